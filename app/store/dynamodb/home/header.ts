import type { Id } from "../../store.ts";
import { attributes, type DynamoTable } from "../dynamo-table.ts";
import type { Item } from "../items.ts";
import { keys } from "../keys.ts";

/** What says which part of a home timeline's entries can be relied on. */
export interface Header {
  /** The epoch whose posts are fanned out into this timeline: those of a later one it has missed. */
  readonly epoch: bigint;
  /** Whether a rebuild of this epoch has been finished. Entries are fanned out to it from the rebuild's beginning on. */
  readonly isComplete: boolean;
  /** No entry with a greater id is missing. Within an epoch it only rises. */
  readonly floor: bigint;
}

export function parseHeader(item: Item | undefined): Header | undefined {
  if (!item) return undefined;
  return {
    epoch: BigInt(item.epoch?.N ?? 0),
    isComplete: item.complete?.BOOL === true,
    floor: BigInt(item.floor?.N ?? 0),
  };
}

export async function readHeader(table: DynamoTable, user: Id): Promise<Header | undefined> {
  return parseHeader(await table.get(keys.homeHeader(user)));
}

/**
 * Says that from now on posts are fanned out to this timeline; a rebuild reads what there was before after this. Where
 * that has been said in this epoch already, nothing changes: rebuilds of one epoch complete each other.
 */
export async function beginTimeline(table: DynamoTable, user: Id, epoch: bigint): Promise<void> {
  const header = {
    ...attributes(keys.homeHeader(user)),
    type: { S: "home_header" },
    epoch: { N: String(epoch) },
    complete: { BOOL: false },
    floor: { N: "0" },
  };
  await table.transact([
    {
      Put: {
        TableName: table.name,
        Item: header,
        ConditionExpression: "attribute_not_exists(pk) OR epoch < :epoch",
        ExpressionAttributeValues: { ":epoch": { N: String(epoch) } },
      },
    },
  ]);
}

/** Says that every entry above the floor is there, as of this epoch. */
export async function completeTimeline(table: DynamoTable, user: Id, epoch: bigint, floor: bigint): Promise<void> {
  await raiseFloor(table, user, floor);
  await table.update(keys.homeHeader(user), {
    UpdateExpression: "SET complete = :yes",
    ConditionExpression: "epoch = :epoch",
    ExpressionAttributeValues: { ":yes": { BOOL: true }, ":epoch": { N: String(epoch) } },
  });
}

/** Says that entries up to and including this id may be missing; done before they are. */
export async function raiseFloor(table: DynamoTable, user: Id, floor: bigint): Promise<void> {
  await table.update(keys.homeHeader(user), {
    UpdateExpression: "SET #floor = :floor",
    ConditionExpression: "#floor < :floor",
    ExpressionAttributeNames: { "#floor": "floor" },
    ExpressionAttributeValues: { ":floor": { N: String(floor) } },
  });
}
