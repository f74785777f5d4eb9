import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { inTurns } from "../../store/dynamodb/dynamo-table.ts";
import { readNow } from "../../store/dual/rows-now.ts";
import type { DeadLetter, DeadLetters, MappedRow, Sink } from "../model.ts";
import {
  type Backlog,
  backlog,
  claim,
  type ClaimedEntry,
  forget,
  now,
  type OutboxDatabase,
  setAside,
  sweep,
  waitsSince,
} from "./entries.ts";

export interface DrainOptions {
  /** The primary, as a user who may read every table and update and delete rows of the outbox. */
  readonly database: OutboxDatabase;
  readonly sink: Pick<Sink, "apply">;
  readonly deadLetters: DeadLetters;
  /** Ends the work; what has been claimed and not been written is due again when its lease ends. */
  readonly signal: AbortSignal;
  readonly log: Pick<Logger, "warn">;
}

/** The batch writer of dual writing. */
export interface OutboxDrain {
  /** Entries that wait, as of a moment ago. Those that can't be written are dead letters and not among them. */
  waiting(): number;
  /** Seconds that the oldest of them has waited; grows also while the database can't be asked. */
  oldestSeconds(): number;
  /** Settles when whatever was committed before this call is written, put away as a dead letter, or the work has ended. */
  caughtUp(): Promise<void>;
  /** Why entries could not be written, or the outbox not be read, the last time; null since it could. */
  trouble(): string | null;
  /** Settles when the signal has ended it. */
  readonly finished: Promise<void>;
}

/** Entries claimed at once, and claims under way at once. */
const batchSize = 50;
const claims = 4;

/** Rows of one batch under way at once; the sink paces them. */
const concurrency = 16;

/** Milliseconds between two looks at an outbox in which nothing is due. */
const interval = 100;

/** Milliseconds between two looks at how much waits, and at what servers have done. */
const sweepInterval = 500;

/** Milliseconds of rest after a failure of the database or of the other store. */
const rest = 500;

/** Milliseconds for batches under way when the work is to end: what they don't finish is due again with their lease. */
const grace = 1000;

/**
 * Writes to the other store what servers left in the outbox: because they died, gave up, or don't know that store. Rows
 * are read as they are by then; several drains may work beside each other and beside the servers.
 */
export function drainOutbox(options: DrainOptions): OutboxDrain {
  const { database, signal } = options;
  const work = new Drain(options);
  let trouble: string | null = null;
  let seen: Backlog & { readonly at: number } = { waiting: 0, oldestSeconds: 0, at: performance.now() };

  const said = (error: Error) => {
    trouble = `the outbox could not be read: ${error.message}`;
  };
  const sweeping = repeatedly({ ...options, failed: said }, sweepInterval, async () => {
    const isMore = await sweep(database);
    seen = { ...(await backlog(database)), at: performance.now() };
    trouble = null;
    return isMore;
  });
  return {
    waiting: () => seen.waiting,
    oldestSeconds: () => {
      const unseen = performance.now() - seen.at;
      return seen.waiting > 0 || unseen > 4 * sweepInterval ? seen.oldestSeconds + unseen / 1000 : 0;
    },
    caughtUp: async () => {
      let since: bigint | undefined;
      const waiting = new AbortController();
      const asking = repeatedly({ ...options, signal: AbortSignal.any([signal, waiting.signal]) }, 50, async () => {
        since ??= await now(database);
        if (!(await waitsSince(database, since))) waiting.abort();
        return false;
      });
      await asking;
    },
    trouble: () => trouble ?? work.trouble,
    finished: Promise.all([work.run(), sweeping]).then(() => {}),
  };
}

/** Does something until the signal: at once again when it says so, else after a while. What fails is tried again. */
async function repeatedly(
  { signal, log, failed }: Pick<DrainOptions, "signal" | "log"> & { readonly failed?: (error: Error) => void },
  wait: number,
  work: () => Promise<boolean>,
): Promise<void> {
  while (!signal.aborted) {
    let next = wait;
    try {
      if (await work()) next = 0;
    } catch (error) {
      log.warn({ err: error }, "the outbox could not be worked on; trying again");
      failed?.(error as Error);
      next = rest;
    }
    if (next > 0) await pause(next, undefined, { signal }).catch(() => {}); // woken by the signal
  }
}

class Drain {
  readonly #options: DrainOptions;
  readonly #underWay = new Set<Promise<void>>();
  /** Why the last batch was left for another try; null when it was not. */
  trouble: string | null = null;
  /** Keys with a dead letter, as far as known here: only those are worth a look when they have been written. */
  readonly #dead = new Set<string>();

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    let isBegun = false;
    await repeatedly(this.#options, interval, async () => {
      if (!isBegun) for (const { key } of await this.#options.deadLetters.list()) this.#dead.add(key);
      isBegun = true;
      if (this.#underWay.size >= claims) await Promise.race(this.#underWay);
      const entries = await claim(this.#options.database, batchSize);
      if (entries.length === 0) return false;
      const batch = this.#write(entries).finally(() => this.#underWay.delete(batch));
      this.#underWay.add(batch);
      return entries.length === batchSize;
    });
    await Promise.race([Promise.all(this.#underWay), pause(grace)]);
  }

  async #write(entries: readonly ClaimedEntry[]): Promise<void> {
    const { database, signal, log } = this.#options;
    try {
      const rows = await readNow(
        database.read.bind(database),
        entries.flatMap(({ changed }) => changed ?? []),
      );
      const refused = new Set<string>();
      await inTurns([...rows], concurrency, async ([key, row]) => {
        signal.throwIfAborted();
        if (!(await this.#apply(key, row))) refused.add(key);
      });
      const written: ClaimedEntry[] = [];
      for (const entry of entries) {
        const isReadable = await this.#settle(`outbox/${entry.id}`, entry.changed === undefined && unreadable);
        if (isReadable && !entry.changed?.some((key) => refused.has(key))) written.push(entry);
        else await setAside(database, entry);
      }
      await forget(
        database,
        written.map(({ id }) => id),
      );
      this.trouble = null;
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ err: error, entries: entries.length }, "entries of the outbox are left for another try");
      this.trouble = `entries of the outbox could not be written, and are tried again: ${(error as Error).message}`;
      await pause(rest, undefined, { signal }).catch(() => {}); // woken by the signal
    }
  }

  /** Whether the row is in the other store. */
  async #apply(key: string, row: MappedRow | Error): Promise<boolean> {
    if (row instanceof Error) return this.#settle(key, { kind: "mapping", reason: row.message });
    const { conflict } = await this.#options.sink.apply(row, "dual-write");
    return this.#settle(
      key,
      conflict > 0 && { kind: "conflict", reason: `version ${row.version} is there with other content` },
    );
  }

  /** Notes why something can't be written, or that it has been; returns whether it has. */
  async #settle(key: string, problem: Pick<DeadLetter, "kind" | "reason"> | false): Promise<boolean> {
    const { deadLetters } = this.#options;
    if (problem) {
      this.#dead.add(key);
      await deadLetters.add({ ...problem, key });
      return false;
    }
    if (this.#dead.has(key)) {
      await deadLetters.resolve(key);
      this.#dead.delete(key);
    }
    return true;
  }
}

const unreadable = { kind: "mapping", reason: "the entry does not name the rows that were changed" } as const;
