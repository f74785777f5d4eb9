/** Something to be done for a key. */
interface Job<T, K> {
  readonly key: string;
  what: T;
  readonly ticket: K;
  /** Of jobs that it stands for as well. */
  others: K[] | undefined;
}

export interface LanesOptions<T, K> {
  /** Jobs under way at once, of different keys. */
  readonly count: number;
  readonly work: (what: T) => Promise<void>;
  /** Called with the ticket of each job that is done, or made needless by one that is. */
  readonly done: (ticket: K) => void;
  /** The one of two jobs of a key that makes the other needless; undefined where both are to be done. */
  readonly newer: (waiting: T, next: T) => T | undefined;
  /** Called with the first error; nothing is begun after it. */
  readonly failed: (error: unknown) => void;
}

/**
 * Does jobs side by side, and those of one key one after another, in their order. Where a key's next job waits already
 * when another comes, and one makes the other needless, only that one is done.
 */
export class Lanes<T, K> {
  readonly #options: LanesOptions<T, K>;
  readonly #lanes: Lane<T, K>[];
  #isStopped = false;
  #running = 0;
  readonly #idle: (() => void)[] = [];

  constructor(options: LanesOptions<T, K>) {
    this.#options = options;
    this.#lanes = Array.from({ length: options.count }, () => ({ queue: [], next: 0, isRunning: false }));
  }

  /** @param ticket what `done` is told when it is done */
  add(key: string, what: T, ticket: K): void {
    const lane = this.#lanes[laneOf(key, this.#lanes.length)] as Lane<T, K>;
    for (let index = lane.queue.length - 1; index >= Math.max(lane.next, lane.queue.length - nearby); index--) {
      const waiting = lane.queue[index] as Job<T, K>;
      if (waiting.key !== key) continue;
      const kept = this.#options.newer(waiting.what, what);
      if (kept === undefined) break;
      waiting.what = kept;
      (waiting.others ??= []).push(ticket);
      return;
    }
    lane.queue.push({ key, what, ticket, others: undefined });
    if (!lane.isRunning && !this.#isStopped) void this.#run(lane);
  }

  /** Begins no more jobs; settles when those under way have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #run(lane: Lane<T, K>): Promise<void> {
    const { work, done } = this.#options;
    lane.isRunning = true;
    this.#running++;
    try {
      while (!this.#isStopped && lane.next < lane.queue.length) {
        const job = lane.queue[lane.next++] as Job<T, K>;
        await work(job.what);
        done(job.ticket);
        if (job.others) for (const ticket of job.others) done(ticket);
        // In pieces: moving the rest up each time would take longer than the work.
        if (lane.next < lane.queue.length && lane.next < 256) continue;
        lane.queue.splice(0, lane.next);
        lane.next = 0;
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

interface Lane<T, K> {
  readonly queue: Job<T, K>[];
  /** Index of the first job that has not begun. */
  next: number;
  isRunning: boolean;
}

/** Jobs at a lane's end among which one of the same key is looked for: a row that changes all the time is one of them. */
const nearby = 16;

/** Keys that differ in their last digits only must spread, too. */
function laneOf(key: string, count: number): number {
  let sum = 0;
  for (let i = 0; i < key.length; i++) sum = (Math.imul(sum, 31) + key.charCodeAt(i)) | 0;
  return (sum >>> 0) % count;
}
