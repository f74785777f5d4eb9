import { errors } from "./errors.ts";

/** Time zero of ids, in Unix milliseconds: 27 April 2023, 00:00 UTC. Never change it: order and uniqueness rest on it. */
export const snowflakeEpoch = Date.UTC(2023, 3, 27);

/** How many worker numbers there are (10 bits). */
export const workerCount = 1024;

const workerBits = 10n;
const sequenceBits = 12n;
const lastSequence = (1 << Number(sequenceBits)) - 1;

/**
 * A span of time within which one worker number is one server's own. Windows of a number never overlap, so ids are
 * unique even where servers' clocks disagree, jump, or stand still.
 */
export interface WorkerWindow {
  /** 0..1023. */
  readonly worker: number;
  /** First Unix millisecond that ids may carry. */
  readonly from: number;
  /** Last Unix millisecond that ids may carry. */
  readonly until: number;
}

/** Makes ids: 41 bits of milliseconds since {@link snowflakeEpoch}, 10 bits of worker number, 12 bits of sequence. */
export class Snowflakes {
  readonly #now: () => number;
  #window: WorkerWindow | undefined;
  #last = 0;
  #sequence = 0;

  /** @param now the time in Unix milliseconds; may jump backwards, ids don't */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Sets the window that ids are made in, or none: then no id is made until there is one again. */
  use(window: WorkerWindow | undefined): void {
    this.#window = window;
  }

  /** The latest millisecond that an id carries. */
  get last(): number {
    return this.#last;
  }

  /**
   * The next id, greater than every id this object made before.
   *
   * @throws AppError 503 while there is no window, or the time is past its end.
   */
  next(): string {
    const window = this.#window;
    if (!window) throw errors.unavailable(new Error("no worker number is leased"));
    // A clock that went back, or 4,096 ids within one millisecond: carry on from the last id's time.
    let time = Math.max(Math.floor(this.#now()), this.#last, window.from);
    let sequence = time === this.#last ? this.#sequence + 1 : 0;
    if (sequence > lastSequence) {
      time += 1;
      sequence = 0;
    }
    if (time > window.until) throw errors.unavailable(new Error(`the lease of worker ${window.worker} is over`));
    this.#last = time;
    this.#sequence = sequence;
    return String(makeSnowflake(time, window.worker, sequence));
  }
}

/** Packs an id from Unix milliseconds, worker number and sequence. */
export function makeSnowflake(time: number, worker: number, sequence: number): bigint {
  const milliseconds = BigInt(time - snowflakeEpoch);
  return (milliseconds << (workerBits + sequenceBits)) | (BigInt(worker) << sequenceBits) | BigInt(sequence);
}

/** The parts of an id; `time` is in Unix milliseconds. */
export function splitSnowflake(id: string): { time: number; worker: number; sequence: number } {
  const bits = BigInt(id);
  return {
    time: Number(bits >> (workerBits + sequenceBits)) + snowflakeEpoch,
    worker: Number((bits >> sequenceBits) & (BigInt(workerCount) - 1n)),
    sequence: Number(bits & BigInt(lastSequence)),
  };
}
