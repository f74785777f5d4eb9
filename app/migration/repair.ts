import { DeleteItemCommand, type DynamoDBClient, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { Logger } from "pino";
import { type Origin, withOrigin } from "../store/dynamodb/apply.ts";
import { attributes, chunked, DynamoTable } from "../store/dynamodb/dynamo-table.ts";
import { isRefused } from "../store/dynamodb/failures.ts";
import type { Item } from "../store/dynamodb/items.ts";
import type { Key } from "../store/dynamodb/keys.ts";
import { contentOf, keyOf, versionOf } from "../store/dynamodb/mapping.ts";
import type { DeadLetters, Journal, MappedRow, Sink } from "./model.ts";
import type { Source } from "./source.ts";
import { rowsByKey } from "./table-rows.ts";
import { isTombstone, placeOf } from "./verify/judge.ts";
import { forgetMismatch, isKeyOfRow, mismatches } from "./verify/verify.ts";

export interface RepairOptions {
  /** The primary. */
  readonly source: Pick<Source, "rows">;
  readonly sink: Pick<Sink, "apply">;
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly journal: Journal;
  readonly deadLetters: DeadLetters;
  /** Keys of rows, as `users/7`. @default what the latest verification found, and the dead letters */
  readonly keys?: readonly string[];
  /** Ends it between two rows. */
  readonly signal: AbortSignal;
  readonly log: Pick<Logger, "warn">;
}

/** What a repair has done. */
export interface RepairReport {
  /** Rows that are in the other store as they are now. */
  readonly written: number;
  /** Items of no row that were marked as deleted, or removed where items of their kind know no such mark. */
  readonly removed: number;
  /** What could not be repaired, with the reasons. */
  readonly left: readonly { readonly key: string; readonly reason: string }[];
}

/** Times that a row is read again because it, or an item of it, has changed meanwhile. */
const attempts = 10;

/** Rows worked on at once. */
const batchSize = 50;

/** Milliseconds during which a read of the table is tried again. */
const patience = 60_000;

/** Conditional writes that were refused: what was looked at has changed. */
class Changed extends Error {}

/**
 * Makes items what their rows are, key by key, by the database as it is now. An older item is written over like in any
 * other way. One that differs at the row's own version, or has a version that the row never had, is written over with the
 * row's content and version all the same, but only while it is exactly what was looked at: the database is the record,
 * whatever somebody wrote beside it. No version is made up, except for the tombstone of an item that no row has.
 *
 * @throws Error when the database is not the record any more; the signal's reason when it was ended
 */
export async function repair(options: RepairOptions): Promise<RepairReport> {
  const { source, journal, deadLetters, signal } = options;
  const [control] = await source.rows("SELECT record FROM control WHERE id = 1");
  if (control?.record !== "mysql")
    throw new Error(
      `the store of record is ${String(control?.record)}: rows of the database must not go over its items`,
    );
  const found = new Map((await mismatches(journal)).map((mismatch) => [mismatch.key, mismatch]));
  const letters = (await deadLetters.list()).map(({ key }) => key);
  const keys = options.keys ?? [...new Set([...found.keys(), ...letters])];

  const repairer = new Repairer(options);
  const report = { written: 0, removed: 0, left: [] as { key: string; reason: string }[] };
  for (const batch of chunked(keys, batchSize)) {
    signal.throwIfAborted();
    await Promise.all(
      batch.map(async (key) => {
        const mismatch = found.get(key);
        const result = await repairer.repair(key, mismatch?.items ?? []);
        if (result.reason !== undefined) return void report.left.push({ key, reason: result.reason });
        report.written += result.isWritten ? 1 : 0;
        report.removed += result.removed;
        if (mismatch) await forgetMismatch(journal, mismatch);
        await deadLetters.resolve(key);
      }),
    );
  }
  return report;
}

interface Result {
  readonly isWritten: boolean;
  readonly removed: number;
  /** Why it could not be repaired. */
  readonly reason?: string;
}

class Repairer {
  readonly #options: RepairOptions;
  readonly #table: DynamoTable;
  readonly #origin: Origin;

  constructor(options: RepairOptions) {
    this.#options = options;
    this.#table = new DynamoTable({ client: options.client, name: options.tableName, patience });
    this.#origin = `repair#${options.journal.fence}`;
  }

  async repair(key: string, items: readonly Key[]): Promise<Result> {
    if (!isKeyOfRow(key) && items.length === 0)
      return { isWritten: false, removed: 0, reason: "its key could not be read as a whole: repair the row by hand" };
    for (let attempt = 0; attempt < attempts; attempt++) {
      try {
        return await this.#attempt(key, items);
      } catch (error) {
        if (!(error instanceof Changed)) throw error;
      }
    }
    return { isWritten: false, removed: 0, reason: `it changed ${attempts} times while it was being repaired` };
  }

  async #attempt(key: string, items: readonly Key[]): Promise<Result> {
    const first = await this.#read(key);
    // Items before the row, so that one of a later version than the row's is not just ahead of what was read.
    const there = await this.#table.getAll([
      ...items,
      ...(first instanceof Error ? [] : (first?.items ?? [])).map(keyOf),
    ]);
    const row = await this.#read(key);
    if (row instanceof Error) return { isWritten: false, removed: 0, reason: row.message };
    if (!row !== !first) throw new Changed();
    const wanted = new Set(row?.items.map(placeOf));
    let removed = 0;
    for (const one of items) {
      const item = there.at(one);
      if (!item || wanted.has(placeOf(item)) || isTombstone(item)) continue;
      await this.#remove(item);
      removed++;
    }
    if (row) await this.#write(row, (item) => there.at(keyOf(item)));
    return { isWritten: row !== undefined, removed };
  }

  async #read(key: string): Promise<MappedRow | Error | undefined> {
    return isKeyOfRow(key) ? (await rowsByKey(this.#options.source, [key])).get(key)?.mapped : undefined;
  }

  async #write(row: MappedRow, thereOf: (item: Item) => Item | undefined): Promise<void> {
    const { sink, log } = this.#options;
    let isForced = false;
    for (const item of row.items) {
      const there = thereOf(item);
      const isRefusable = there && versionOf(there) >= row.version && contentOf(there) !== contentOf(item);
      if (!isRefusable) continue;
      isForced = true;
      log.warn({ row: row.key, item: keyOf(item), was: contentOf(there) }, "an item is written over as the row has it");
      await this.#ifStill(there, (condition) =>
        this.#options.client.send(new PutItemCommand({ ...condition, Item: withOrigin(item, this.#origin) })),
      );
    }
    const { newer, conflict } = await sink.apply(row, "repair");
    // Somebody was quicker, or the row has changed: look again.
    if (newer + conflict > 0) throw new Changed();
    if (!isForced) return;
    // A change that was refused for the version that was there is not coming again.
    const now = await this.#read(row.key);
    if (now === undefined || now instanceof Error || now.version !== row.version) throw new Changed();
  }

  /** A tombstone, which any later change of a row would have to be newer than; without one where its kind has none. */
  async #remove(item: Item): Promise<void> {
    const { client } = this.#options;
    const tombstone = { ...item, deleted: { BOOL: true }, version: { N: String(versionOf(item) + 1n) } };
    await this.#ifStill(item, (condition) =>
      item.deleted
        ? client.send(new PutItemCommand({ ...condition, Item: withOrigin(tombstone, this.#origin) }))
        : client.send(new DeleteItemCommand({ ...condition, Key: attributes(keyOf(item)) })),
    );
  }

  /** Does it only while the item is of the version that was looked at. */
  async #ifStill(item: Item, write: (condition: Condition) => Promise<unknown>): Promise<void> {
    const { tableName } = this.#options;
    const condition = {
      TableName: tableName,
      ConditionExpression: "#version = :version",
      ExpressionAttributeNames: { "#version": "version" },
      ExpressionAttributeValues: { ":version": { N: String(versionOf(item)) } },
    };
    try {
      await this.#table.retrying(() => write(condition));
    } catch (error) {
      // Also when our own write was not answered, and has happened.
      if (isRefused(error)) throw new Changed();
      throw error;
    }
  }
}

interface Condition {
  readonly TableName: string;
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames: Record<string, string>;
  readonly ExpressionAttributeValues: Record<string, { N: string }>;
}
