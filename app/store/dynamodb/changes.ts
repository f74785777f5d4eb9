import type { TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { errors } from "../../domain/errors.ts";
import type { Version } from "../../domain/version.ts";
import { attributes, type DynamoTable, type Refusal } from "./dynamo-table.ts";
import type { Item, RowIn, TableName } from "./items.ts";
import type { Key } from "./keys.ts";
import { itemsOf, originAttribute, versionOf } from "./mapping.ts";
import { firstOf, type StoreOfRecord, type WritePermit } from "./record.ts";

/** A counter to be changed with the edge it counts. */
export interface Count {
  readonly key: Key;
  readonly counter: "posts" | "followers" | "following" | "likes";
  readonly step: 1 | -1;
}

/** What is read before a write was changed by somebody else before it was written: read again. */
class Overtaken extends Error {}

/** Milliseconds during which a change that others overtake is tried again. */
const patience = 2_500;

/**
 * Changes of rows: all items of a row, and the counters that count it, in one transaction, with the version that this
 * store, as the record, gives them.
 */
export class Changes {
  readonly #table: DynamoTable;
  readonly #record: StoreOfRecord;

  constructor(table: DynamoTable, record: StoreOfRecord) {
    this.#table = table;
    this.#record = record;
  }

  /**
   * Runs a read-and-change with permission to write, again when somebody else was quicker, and confirms the permission
   * before it returns.
   *
   * `work` may run several times, also after a change whose answer was lost: it must find that there is nothing to do.
   */
  async write<T>(work: (change: Change) => Promise<T>): Promise<T> {
    const end = performance.now() + patience;
    for (let attempt = 0; ; attempt++) {
      const permit = await this.#record.permit();
      try {
        const result = await work(new Change(this.#table, permit));
        permit.confirm();
        return result;
      } catch (error) {
        if (!(error instanceof Overtaken)) throw error;
        const pause = Math.min(2 * 2 ** attempt, 100) * (0.5 + Math.random());
        if (performance.now() + pause > end) throw errors.unavailable(error);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }
}

/** How a counter's item is changed: its version is of this epoch, or of an earlier one, or there is no such counter. */
type Mode = "current" | "raised" | "absent";

/** One change under a permit; `commit` writes what was added. */
export class Change {
  readonly #table: DynamoTable;
  readonly #permit: WritePermit;
  readonly #actions: TransactWriteItem[] = [];
  readonly #counts: Count[] = [];
  /** An insert's version. */
  readonly first: Version;

  constructor(table: DynamoTable, permit: WritePermit) {
    this.#table = table;
    this.#permit = permit;
    this.first = firstOf(permit);
  }

  /** The version that a row of this version gets by being changed. */
  next(current: Version): Version {
    return current + 1n > this.first ? current + 1n : this.first;
  }

  /** Adds a row that must not be there. */
  insert<N extends TableName>(name: N, row: RowIn<N>): void {
    for (const item of itemsOf(name, row)) this.put(item, { ConditionExpression: "attribute_not_exists(pk)" });
  }

  /** Changes a row that must be as it was read. */
  replace<N extends TableName>(name: N, was: Version, row: RowIn<N>): void {
    const [whole, ...lookups] = itemsOf(name, row);
    const guard = (condition: string, version: Version) => ({
      ConditionExpression: condition,
      ExpressionAttributeNames: { "#version": "version" },
      ExpressionAttributeValues: { ":version": { N: String(version) } },
    });
    this.put(whole, guard("#version = :version", was));
    for (const item of lookups)
      this.put(item, guard("attribute_not_exists(pk) OR #version < :version", versionOf(item)));
  }

  /** Adds an item that is no row's, or a row's under a condition. */
  put(item: Item, condition: Partial<NonNullable<TransactWriteItem["Put"]>> = {}): void {
    const returned = condition.ConditionExpression ? { ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const } : {};
    this.#actions.push({ Put: { TableName: this.#table.name, Item: item, ...returned, ...condition } });
  }

  delete(key: Key): void {
    this.#actions.push({ Delete: { TableName: this.#table.name, Key: attributes(key) } });
  }

  count(key: Key, counter: Count["counter"], step: 1 | -1): void {
    this.#counts.push({ key, counter, step });
  }

  /** Writes everything, or throws so that the whole change is done again when a row is not as it was read. */
  async commit(): Promise<void> {
    if ((await this.tryCommit()).length > 0) throw new Overtaken("somebody else changed the same rows");
  }

  /** Writes everything; returns what was in the way, in which case nothing is written. */
  async tryCommit(): Promise<Refusal[]> {
    const modes = this.#counts.map((): Mode => "current");
    for (;;) {
      const counted = this.#counts.flatMap((count, index) => {
        const mode = modes[index] as Mode;
        return mode === "absent" ? [] : [{ index, action: this.#counting(count, mode) }];
      });
      const actions = [...this.#actions, ...counted.map(({ action }) => action)];
      const refusals = await this.#table.transact(actions, this.#permit);
      const ofRows = refusals.filter(({ index }) => index < this.#actions.length);
      if (refusals.length === 0 || ofRows.length > 0) return ofRows;
      // Only counters were in the way: their items are of another epoch than thought, or not there.
      for (const { index, found } of refusals) {
        const of = counted[index - this.#actions.length]?.index as number;
        modes[of] = !found ? "absent" : versionOf(found) < this.first ? "raised" : "current";
      }
    }
  }

  /** In place, not by version: many may count at once. */
  #counting({ key, counter, step }: Count, mode: Exclude<Mode, "absent">): TransactWriteItem {
    const isCurrent = mode === "current";
    return {
      Update: {
        TableName: this.#table.name,
        Key: attributes(key),
        UpdateExpression:
          `SET #counter = #counter + :step, #version = ${isCurrent ? "#version + :one" : ":first"} ` +
          `REMOVE ${originAttribute}`,
        ConditionExpression: `#version ${isCurrent ? ">=" : "<"} :first`,
        ExpressionAttributeNames: { "#counter": counter, "#version": "version" },
        ExpressionAttributeValues: {
          ":step": { N: String(step) },
          ":first": { N: String(this.first) },
          ...(isCurrent ? { ":one": { N: "1" } } : {}),
        },
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      },
    };
  }
}
