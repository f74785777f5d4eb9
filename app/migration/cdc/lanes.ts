/** Something to be done for a key. */
export interface Job<T> {
  readonly key: string;
  what: T;
  /** Called when it is done, once for each job that it stands for. */
  readonly done: (() => void)[];
}

export interface LanesOptions<T> {
  /** Jobs under way at once, of different keys. */
  readonly count: number;
  readonly work: (key: string, what: T) => Promise<void>;
  /** The one of two jobs of a key that makes the other needless; undefined where both are to be done. */
  readonly newer: (waiting: T, next: T) => T | undefined;
  /** Called with the first error; nothing is begun after it. */
  readonly failed: (error: unknown) => void;
}

/**
 * Does jobs side by side, and those of one key one after another, in their order. Where a key's next job waits already
 * when another comes, and one makes the other needless, only that one is done.
 */
export class Lanes<T> {
  readonly #options: LanesOptions<T>;
  readonly #lanes: Lane<T>[];
  #isStopped = false;
  #running = 0;
  readonly #idle: (() => void)[] = [];

  constructor(options: LanesOptions<T>) {
    this.#options = options;
    this.#lanes = Array.from({ length: options.count }, () => ({ queue: [], waiting: new Map(), isRunning: false }));
  }

  add(key: string, what: T, done: () => void): void {
    const lane = this.#lanes[laneOf(key, this.#lanes.length)] as Lane<T>;
    const waiting = lane.waiting.get(key);
    const kept = waiting && this.#options.newer(waiting.what, what);
    if (waiting && kept !== undefined) {
      waiting.what = kept;
      waiting.done.push(done);
      return;
    }
    const job: Job<T> = { key, what, done: [done] };
    lane.queue.push(job);
    lane.waiting.set(key, job);
    if (!lane.isRunning && !this.#isStopped) void this.#run(lane);
  }

  /** Begins no more jobs; settles when those under way have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #run(lane: Lane<T>): Promise<void> {
    lane.isRunning = true;
    this.#running++;
    try {
      let next = 0;
      while (!this.#isStopped && next < lane.queue.length) {
        const job = lane.queue[next++] as Job<T>;
        if (lane.waiting.get(job.key) === job) lane.waiting.delete(job.key);
        await this.#options.work(job.key, job.what);
        for (const done of job.done) done();
        // In pieces: moving the rest up each time would take longer than the work.
        if (next < lane.queue.length && next < 256) continue;
        lane.queue.splice(0, next);
        next = 0;
      }
    } catch (error) {
      this.#isStopped = true;
      this.#options.failed(error);
    } finally {
      lane.isRunning = false;
      this.#running--;
      if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }
}

interface Lane<T> {
  readonly queue: Job<T>[];
  /** The last job of each key that has not begun. */
  readonly waiting: Map<string, Job<T>>;
  isRunning: boolean;
}

/** Keys that differ in their last digits only must spread, too. */
function laneOf(key: string, count: number): number {
  let sum = 0;
  for (let i = 0; i < key.length; i++) sum = (Math.imul(sum, 31) + key.charCodeAt(i)) | 0;
  return (sum >>> 0) % count;
}
