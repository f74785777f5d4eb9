import { randomInt } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import type { Credentials } from "../../aws/secrets.ts";
import { isLoss, isRefusedLogin } from "../../store/mysql/failures.ts";
import type { DatabaseAddress } from "../../store/mysql/login.ts";
import type { Position } from "./position.ts";
import { type ChangeHandler, type FollowedTables, Reader } from "./reader.ts";
import { refusals } from "./refusals.ts";
import { identify } from "./server.ts";
import { Wire } from "./wire.ts";

export interface StreamOptions {
  readonly address: DatabaseAddress;
  /** Reads the login afresh; called for each connection. */
  readonly credentials: () => Promise<Credentials>;
  readonly from: Position;
  readonly followed: FollowedTables;
  readonly handler: ChangeHandler;
  /** Ends the stream. */
  readonly signal: AbortSignal;
  readonly log: Pick<Logger, "info" | "warn">;
}

/** Changes of rows as a server's binlog tells them, for as long as it lasts. */
export interface BinlogStream {
  /** Has the server wait; a few events may still come. */
  pause(): void;
  resume(): void;
  /** Why nothing comes just now; null while connected. */
  readonly trouble: string | null;
  /**
   * Settles when the signal has ended it.
   *
   * @throws StreamRefused when following on would lose changes
   * @throws Error what the handler throws, or the server says, that waiting cannot mend
   */
  readonly finished: Promise<void>;
}

/** Milliseconds before the first new connection, and between two at most. */
const shortestPause = 100;
const longestPause = 10_000;

/** Follows a binlog through however many connections that takes: each goes on where the one before was lost. */
export function followBinlog(options: StreamOptions): BinlogStream {
  return new Stream(options);
}

class Stream implements BinlogStream {
  readonly #options: StreamOptions;
  readonly #serverId = randomInt(2 ** 31, 2 ** 32 - 1);
  #wire: Wire | undefined;
  #isPaused = false;
  #from: Position;
  trouble: string | null = "not connected yet";
  readonly finished: Promise<void>;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#from = options.from;
    this.finished = this.#run();
    this.finished.catch(() => {}); // told to whoever waits for it
  }

  pause(): void {
    this.#isPaused = true;
    this.#wire?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#wire?.resume();
  }

  async #run(): Promise<void> {
    const { signal, log } = this.#options;
    if (this.#from.offset >= 2n ** 32n)
      throw refusals.unreadable(
        this.#from,
        "a place after 4 GB cannot be asked for; FLUSH BINARY LOGS begins a new file",
      );
    for (let failures = 0; !signal.aborted; failures++) {
      const before = this.#from;
      try {
        await this.#connected();
      } catch (error) {
        if (signal.aborted) return;
        if (!isLoss(error) && !isRefusedLogin(error)) throw error;
        if (this.#from !== before) failures = 0;
        this.trouble = (error as Error).message;
        log.warn({ reason: this.trouble, position: String(this.#from) }, "the binlog's connection is gone");
      }
      const wait = Math.min(shortestPause * 2 ** failures, longestPause) * (0.5 + Math.random() / 2);
      await pause(wait, undefined, { signal }).catch(() => {}); // the loop looks at the signal
    }
  }

  /** One connection, from login to loss. */
  async #connected(): Promise<void> {
    const { address, signal, log } = this.#options;
    const credentials = await this.#options.credentials();
    signal.throwIfAborted();
    const wire = new Wire({ address, credentials, serverId: this.#serverId });
    const over = Promise.withResolvers<never>();
    const abort = () => over.reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    over.promise.catch(() => {}); // told below
    let reader: Reader | undefined;
    try {
      await Promise.race([this.#check(wire), over.promise]);
      const current = new Reader(this.#from, this.#options.followed, this.#options.handler);
      reader = current;
      const { file, offset } = this.#from;
      const receiving = wire.receive(
        { file, offset: Number(offset) },
        {
          event: (packet) => {
            if (signal.aborted) return;
            try {
              current.take(packet);
            } catch (error) {
              over.reject(error);
              wire.close();
            }
          },
          ended: (error) => over.reject(error),
        },
      );
      await Promise.race([receiving, over.promise]);
      this.#wire = wire;
      if (this.#isPaused) wire.pause();
      this.trouble = null;
      log.info({ position: String(this.#from) }, "following the binlog");
      await over.promise;
    } catch (error) {
      throw this.#understood(error as ServerError, credentials.username);
    } finally {
      if (reader) this.#from = reader.position;
      this.#wire = undefined;
      signal.removeEventListener("abort", abort);
      wire.close();
    }
  }

  async #check(wire: Wire): Promise<void> {
    const { identity } = await identify(wire.ask);
    if (identity !== this.#from.server) throw refusals.serverChanged(this.#from, identity);
  }

  #understood(error: ServerError, user: string): Error {
    const said = error.sqlMessage ?? error.message;
    if (error.errno === cannotSend) {
      // Its connection before is not over for the server yet.
      if (/same server_(uu)?id/i.test(said)) return Object.assign(error, { code: "PROTOCOL_CONNECTION_LOST" });
      const isGone = /could not find first log file|purged|impossible position|> file size/i.test(said);
      return isGone ? refusals.purged(this.#from, said) : refusals.unreadable(this.#from, said);
    }
    if (error.errno === notAllowed) return refusals.rights(user, said);
    return error;
  }
}

interface ServerError extends Error {
  readonly errno?: number;
  readonly sqlMessage?: string;
}

/** ER_MASTER_FATAL_ERROR_READING_BINLOG and ER_SPECIFIC_ACCESS_DENIED_ERROR. */
const cannotSend = 1236;
const notAllowed = 1227;
