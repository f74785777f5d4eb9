import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Logger } from "pino";
import { singlePuts, transactions, type Verdict, type Write } from "../../migration/sink/requests.ts";
import { chunked, inTurns } from "../dynamodb/dynamo-table.ts";
import type { Database } from "../mysql/database.ts";
import { markDone, type OutboxEntry, serverLease } from "../mysql/outbox.ts";
import { readNow } from "./rows-now.ts";

export interface DualWriterOptions {
  /** Where rows are read, and entries of the outbox marked as done. */
  readonly database: Pick<Database, "read" | "execute">;
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly log: Pick<Logger, "warn">;
}

/** Milliseconds before each batch: what is committed meanwhile goes together. */
const gathering = 20;

/** Entries of one batch. */
const batchSize = 50;

/**
 * Items of one request, and requests under way at once. Each request takes a server's time away from people, whatever is
 * in it, so it is few and large ones, though an item of a transaction costs twice as much as one by itself.
 */
const requestSize = 25;
const concurrency = 4;

/** Entries that may wait. More of them means that the other store is slow, and the batch writer will have them. */
const queueLimit = 500;

/** Milliseconds of rest after a failure, doubled from one to the next. */
const shortestRest = 100;
const longestRest = 5000;

/** Milliseconds between two lines in the log about the same trouble. */
const complaintInterval = 10_000;

/**
 * Writes what was changed here to the other store too, right after it was committed. No request waits for it, and it may
 * give up whatever it likes: every entry stays in the outbox until somebody has done it.
 */
export class DualWriter {
  readonly #options: DualWriterOptions;
  /** With the times at which they came. */
  readonly #queue: { entry: OutboxEntry; since: number }[] = [];
  #running: Promise<void> | undefined;
  #rest = 0;
  #restsUntil = 0;
  #leftAlone = 0;
  #complained = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: DualWriterOptions) {
    this.#options = options;
  }

  /** Takes an entry on, or leaves it to the batch writer; either way at once. */
  readonly note = (entry: OutboxEntry): void => {
    const now = performance.now();
    if (this.#closed || now < this.#restsUntil || this.#queue.length >= queueLimit) return this.#leave(1);
    this.#queue.push({ entry, since: now });
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  };

  /** Ends after what is under way; what still waits is left to the batch writer. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    this.#options.client.destroy();
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0 && !this.#closed) {
      await new Promise((resolve) => setTimeout(resolve, gathering));
      const freshest = performance.now() - serverLease;
      const batch = this.#queue.splice(0, batchSize);
      const ours = batch.filter(({ since }) => since > freshest);
      this.#leave(batch.length - ours.length);
      if (ours.length > 0) await this.#write(ours.map(({ entry }) => entry));
    }
  }

  async #write(entries: OutboxEntry[]): Promise<void> {
    const { database } = this.#options;
    let trouble: unknown;
    try {
      const rows = await readNow(
        database.read.bind(database),
        entries.flatMap(({ changed }) => changed),
      );
      const writes = [...rows].flatMap(([key, row]) =>
        row instanceof Error ? [] : row.items.map((item) => ({ item, origin: "dual-write" as const, key })),
      );
      const parts = await inTurns(chunked(writes, requestSize), concurrency, (part) => this.#put(part));
      const verdicts = parts.flat();
      trouble = verdicts.find((verdict) => verdict instanceof Error);
      // What can't be written for its own sake is the batch writer's to report.
      const left = new Set(writes.filter((_, index) => !isThere(verdicts[index])).map(({ key }) => key));
      const isDone = (key: string) => !left.has(key) && rows.has(key) && !(rows.get(key) instanceof Error);
      const done = entries.filter(({ changed }) => changed.every(isDone));
      await markDone(
        database,
        done.map(({ id }) => id),
      );
      this.#leave(entries.length - done.length, trouble);
    } catch (error) {
      trouble = error;
      this.#leave(entries.length, trouble);
    }
    this.#rest = trouble === undefined ? 0 : Math.min(Math.max(this.#rest * 2, shortestRest), longestRest);
    if (trouble !== undefined) this.#restsUntil = performance.now() + this.#rest;
  }

  /** What became of each; an error where the other store is to blame. */
  async #put(writes: readonly Write[]): Promise<(Verdict | Error)[]> {
    const { client, tableName } = this.#options;
    try {
      const verdicts = await transactions.write(client, tableName, writes);
      if (verdicts.includes("throttled")) return verdicts.map(() => new Error("the table is throttled"));
      // One that is there already, or that somebody else was at, has kept the others from being written.
      return await inTurns([...verdicts.entries()], concurrency, async ([index, verdict]) => {
        if (verdict !== "untouched" && verdict !== "contended") return verdict;
        const [again = verdict] = await singlePuts.write(client, tableName, [writes[index] as Write]);
        return again;
      });
    } catch (error) {
      return writes.map(() => error as Error);
    }
  }

  /** Counts what the batch writer will have to do, and says so now and then. */
  #leave(count: number, reason?: unknown): void {
    this.#leftAlone += count;
    const now = performance.now();
    if (this.#leftAlone === 0 || now - this.#complained < complaintInterval) return;
    this.#options.log.warn(
      { err: reason, entries: this.#leftAlone },
      "writes did not go to the other store at once; they wait in the outbox",
    );
    this.#complained = now;
    this.#leftAlone = 0;
  }
}

function isThere(verdict: Verdict | Error | undefined): boolean {
  return verdict === "applied" || verdict === "same" || verdict === "newer";
}
