import { setTimeout as pause } from "node:timers/promises";
import { compareFiles, type Position } from "../binlog/position.ts";
import { type Ask, binlogFiles } from "../binlog/server.ts";

/** How far behind the server's binlog one is. */
export interface Lag {
  /** Age of the oldest change that is not written; 0 when there is none. */
  readonly seconds: number;
  /** Of the binlog, that are not read or not written. */
  readonly bytes: number;
}

/** The server's binlog as it was asked for last. */
interface Seen {
  readonly files: readonly { readonly file: string; readonly size: bigint }[];
  /** Seconds by which the server's clock is ahead of ours. */
  readonly ahead: number;
  /** By our clock that never goes back, in milliseconds. */
  readonly at: number;
}

/** Milliseconds between two questions; and how old an answer can be that still tells anything. */
const interval = 1_000;
const stale = 4 * interval;

/** Asks the server, while the signal lasts, how long its binlog is. */
export class LagMeter {
  readonly #ask: Ask;
  readonly #signal: AbortSignal;
  readonly #startedAt = performance.now();
  /** Unix time in seconds. */
  readonly #from: number;
  #seen: Seen | undefined;
  /** Why the server could not be asked the last time; null when it could. */
  trouble: string | null = null;

  /** @param from Unix time in seconds up to which everything had been written when the following began */
  constructor(ask: Ask, signal: AbortSignal, from = Date.now() / 1000) {
    this.#from = from;
    this.#ask = ask;
    this.#signal = signal;
    void this.#run();
  }

  /**
   * @param position all before it is written
   * @param since Unix time in seconds of the first change that is not, as far as that is known
   */
  lag(position: Position, since: number | undefined): Lag {
    const unseen = performance.now() - (this.#seen?.at ?? this.#startedAt);
    const blind = unseen > stale ? unseen / 1000 : 0;
    if (!this.#seen) return { seconds: blind, bytes: 0 };
    const bytes = Number(bytesAfter(position, this.#seen.files));
    if (bytes === 0) return { seconds: blind, bytes };
    const now = Date.now() / 1000 + this.#seen.ahead;
    // Before the first event has come, what was written before tells: it may have been refused ever since.
    const age = now - (since ?? this.#from);
    return { seconds: Math.max(age, blind, 0), bytes };
  }

  async #run(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        const [clock] = await this.#ask("SELECT UNIX_TIMESTAMP(NOW(6)) AS now");
        const files = await binlogFiles(this.#ask);
        this.#seen = { files, ahead: Number(clock?.now) - Date.now() / 1000, at: performance.now() };
        this.trouble = null;
      } catch (error) {
        // An answer that grows old shows as lag.
        this.trouble = `the end of the binlog is not known: ${(error as Error).message}`;
      }
      await pause(interval, undefined, { signal: this.#signal }).catch(() => {}); // the loop looks at the signal
    }
  }
}

function bytesAfter(position: Position, files: Seen["files"]): bigint {
  let bytes = 0n;
  for (const { file, size } of files) {
    const order = compareFiles(file, position.file);
    if (order > 0) bytes += size;
    else if (order === 0 && size > position.offset) bytes += size - position.offset;
  }
  return bytes;
}
