import { randomUUID } from "node:crypto";
import { attributes, type DynamoTable } from "../dynamodb/dynamo-table.ts";
import type { Item } from "../dynamodb/items.ts";
import { keys } from "../dynamodb/keys.ts";
import { absentRecord, type MoveBy, moved, type RecordState, recordStates, type StoreRecord } from "./states.ts";

/** Somebody else has moved the record since it was read. */
export class RecordMoved extends Error {
  constructor(from: StoreRecord, found: StoreRecord) {
    super(`The store of record was ${from.state} (${from.version}) and is ${found.state} by now, says ${found.who}`);
    this.name = "RecordMoved";
  }
}

/** The record's item; what it is before anybody has written it when there is none. */
export async function readRecord(table: DynamoTable): Promise<StoreRecord> {
  return parse(await table.get(keys.record)) ?? absentRecord;
}

/**
 * Moves the record from what was read to another state, as one compare-and-set.
 *
 * @throws RecordMoved when it is no longer what was read
 * @throws Error when the state cannot be followed by that one
 */
export async function moveRecord(
  table: DynamoTable,
  from: StoreRecord,
  to: RecordState,
  by: MoveBy,
): Promise<StoreRecord> {
  const next = moved(from, to, by);
  const mark = randomUUID();
  const Put = {
    TableName: table.name,
    Item: { ...itemOf(next), mark: { S: mark } },
    ConditionExpression: from.version === 0 ? "attribute_not_exists(pk)" : "#version = :was",
    ...(from.version === 0
      ? {}
      : {
          ExpressionAttributeNames: { "#version": "version" },
          ExpressionAttributeValues: { ":was": { N: String(from.version) } },
        }),
  };
  const refusals = await table.transact([{ Put }]);
  if (refusals.length === 0) return next;
  const found = await table.get(keys.record);
  // Ours, by an attempt whose answer was lost.
  if (found?.mark?.S === mark) return next;
  throw new RecordMoved(from, parse(found) ?? absentRecord);
}

function itemOf({ state, epoch, version, who, at }: StoreRecord): Item {
  return {
    ...attributes(keys.record),
    type: { S: "record" },
    state: { S: state },
    epoch: { N: String(epoch) },
    version: { N: String(version) },
    who: { S: who },
    at: { S: at },
  };
}

function parse(item: Item | undefined): StoreRecord | undefined {
  if (!item) return undefined;
  const state = recordStates.find((known) => known === item.state?.S);
  if (!state)
    throw new Error(`The table's record says ${JSON.stringify(item.state?.S)}, which this server doesn't know`);
  return {
    state,
    epoch: BigInt(item.epoch?.N ?? 0),
    version: Number(item.version?.N),
    who: item.who?.S ?? "",
    at: item.at?.S ?? "",
  };
}
