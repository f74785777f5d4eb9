import type { Logger } from "pino";
import { Position } from "../binlog/position.ts";
import { type Follower, follow, type FollowOptions } from "../follow.ts";
import type { DeadLetters, Journal, Sink } from "../model.ts";
import { drainOutbox, type DrainOptions, type OutboxDrain } from "../outbox/drain.ts";
import type { Measures } from "./board.ts";

type Shown = Pick<Measures, "binlog" | "outbox" | "trouble">;

/** What brings changes to the other store, for as long as its signal lets it. */
export interface Changes {
  /** @throws StreamRefused when that would lose changes; Error when the database or the other store fails */
  run(signal: AbortSignal): Promise<void>;
  setPaused(paused: boolean): void;
  /** Whether what was there at the start is written, and what comes is written within seconds. */
  isCaughtUp(): boolean;
  /** Settles when everything that is committed by now is written. */
  caughtUp(): Promise<void>;
  measures(): Shown;
}

interface ChangesOptions {
  readonly journal: Journal;
  readonly sink: Sink;
  readonly deadLetters: DeadLetters;
  readonly log: Pick<Logger, "info" | "warn">;
}

/** Seconds behind that are as good as none. */
const atMostBehind = 5;

interface BinlogOptions extends ChangesOptions {
  readonly source: FollowOptions["source"];
  /** Where the run began in the binlog. */
  readonly begunAt: Position;
  /** ISO 8601 time at which it did. */
  readonly begunTime: string;
}

/** Where to go on in the binlog, as the journal has it. */
type KeptPosition = ReturnType<Position["toJSON"]> & {
  /** Unix time in seconds up to which everything was written; not there in a journal of earlier. */
  readonly writtenTo?: number;
};

/** Changes come from the binlog. */
export class BinlogChanges implements Changes {
  readonly #options: BinlogOptions;
  #follower: Follower | undefined;
  #isPaused = false;
  #hasCaughtUp = false;

  constructor(options: BinlogOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { journal, begunAt, begunTime, source, sink, deadLetters, log } = this.#options;
    const kept = await journal.get<KeptPosition>("position");
    const follower = follow({
      source,
      from: kept === undefined ? begunAt : Position.parse(kept),
      fromTime: kept?.writtenTo ?? Date.parse(begunTime) / 1000,
      sink,
      deadLetters,
      checkpoint: async (position) => {
        const writtenTo = Math.round(Date.now() / 1000 - follower.lag().seconds);
        await journal.put("position", { ...position.toJSON(), writtenTo } satisfies KeptPosition);
      },
      signal,
      log,
    });
    if (this.#isPaused) follower.pause();
    this.#follower = follower;
    this.#hasCaughtUp = false;
    const catchingUp = follower.caughtUp().then(() => {
      this.#hasCaughtUp = true;
    });
    catchingUp.catch(() => {}); // it ends as the following does
    try {
      await follower.finished;
    } finally {
      this.#hasCaughtUp = false;
    }
  }

  setPaused(paused: boolean): void {
    this.#isPaused = paused;
    if (paused) this.#follower?.pause();
    else this.#follower?.resume();
  }

  isCaughtUp(): boolean {
    return this.#hasCaughtUp && (this.#follower?.lag().seconds ?? Number.POSITIVE_INFINITY) < atMostBehind;
  }

  async caughtUp(): Promise<void> {
    if (!this.#follower) throw new Error("changes are not followed yet");
    await this.#follower.caughtUp();
  }

  measures(): Shown {
    if (!this.#follower) return { binlog: null, outbox: null, trouble: null };
    const { position, rows, rowsPerSecond, trouble } = this.#follower;
    const { seconds, bytes } = this.#follower.lag();
    const binlog = {
      position: String(position),
      rows,
      rowsPerSecond: Math.round(rowsPerSecond),
      lagSeconds: Math.round(seconds * 10) / 10,
      lagBytes: bytes,
    };
    return { binlog, outbox: null, trouble };
  }
}

/** Changes are written twice by the servers; what they could not write is in the outbox. */
export class OutboxChanges implements Changes {
  readonly #options: ChangesOptions & Pick<DrainOptions, "database">;
  #drain: OutboxDrain | undefined;
  #hasCaughtUp = false;
  #isPaused = false;
  #turned = Promise.withResolvers<void>();

  constructor(options: ChangesOptions & Pick<DrainOptions, "database">) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#turned.resolve());
    while (!signal.aborted) {
      const turned = this.#turned.promise;
      if (this.#isPaused) {
        await turned;
        continue;
      }
      const controller = new AbortController();
      const drain = drainOutbox({ ...this.#options, signal: AbortSignal.any([signal, controller.signal]) });
      this.#drain = drain;
      const catchingUp = drain.caughtUp().then(() => {
        this.#hasCaughtUp = !controller.signal.aborted;
      });
      catchingUp.catch(() => {}); // it ends as the drain does
      await Promise.race([drain.finished, turned]);
      controller.abort();
      await drain.finished;
      this.#hasCaughtUp = false;
    }
  }

  setPaused(paused: boolean): void {
    if (this.#isPaused === paused) return;
    this.#isPaused = paused;
    this.#turned.resolve();
    this.#turned = Promise.withResolvers();
  }

  isCaughtUp(): boolean {
    return this.#hasCaughtUp && (this.#drain?.oldestSeconds() ?? Number.POSITIVE_INFINITY) < atMostBehind;
  }

  async caughtUp(): Promise<void> {
    if (!this.#drain) throw new Error("changes are not written yet");
    await this.#drain.caughtUp();
  }

  measures(): Shown {
    if (!this.#drain) return { binlog: null, outbox: null, trouble: null };
    const oldestSeconds = Math.round(this.#drain.oldestSeconds() * 10) / 10;
    return { binlog: null, outbox: { waiting: this.#drain.waiting(), oldestSeconds }, trouble: this.#drain.trouble() };
  }
}
