import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Logger } from "pino";
import type { MappedRow } from "../../migration/model.ts";
import { applyItem } from "../dynamodb/apply.ts";
import { inTurns } from "../dynamodb/dynamo-table.ts";
import type { Database } from "../mysql/database.ts";
import { markDone, type OutboxEntry, serverLease } from "../mysql/outbox.ts";
import { readNow } from "./rows-now.ts";

export interface DualWriterOptions {
  /** Where rows are read, and entries of the outbox marked as done. */
  readonly database: Pick<Database, "read" | "execute">;
  readonly client: Pick<DynamoDBClient, "send" | "destroy">;
  readonly tableName: string;
  readonly log: Pick<Logger, "warn">;
}

/** Batches under way at once: each occupies a connection to the database for two short moments. */
const lanes = 2;

/** Entries of one batch. */
const batchSize = 25;

/** Items of one batch under way at once. */
const concurrency = 32;

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
  readonly #running = new Set<Promise<void>>();
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
    if (this.#running.size >= lanes) return;
    const lane = this.#run().finally(() => this.#running.delete(lane));
    this.#running.add(lane);
  };

  /** Ends after what is under way; what still waits is left to the batch writer. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#running);
    this.#options.client.destroy();
  }

  async #run(): Promise<void> {
    // What is committed in the same moment goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0 && !this.#closed) {
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
    const written = new Set<string>();
    try {
      const rows = await readNow(
        database.read.bind(database),
        entries.flatMap(({ changed }) => changed),
      );
      await inTurns([...rows], concurrency, async ([key, row]) => {
        try {
          if (await this.#apply(row)) written.add(key);
        } catch (error) {
          trouble = error;
        }
      });
      const done = entries.filter(({ changed }) => changed.every((key) => written.has(key)));
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

  /** Whether the row is there now. What cannot be written is the batch writer's to report. */
  async #apply(row: MappedRow | Error): Promise<boolean> {
    if (row instanceof Error) return false;
    const { client, tableName } = this.#options;
    for (const item of row.items)
      if ((await applyItem(client, tableName, item, "dual-write")) === "conflict") return false;
    return true;
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
