import { ConditionalCheckFailedException, PutItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Item } from "./items.ts";
import { contentOf, originAttribute, versionOf } from "./mapping.ts";

/** Who applies changes that another store made. */
export type Applier = "backfill" | "cdc" | "dual-write" | "repair";

/** The applier; a migration's worker adds its fence, as many may have come before it: `backfill#7`. */
export type Origin = Applier | `${Applier}#${number}`;

/**
 * What became of an item that was applied:
 * - `applied`: it was written over nothing or over an older version
 * - `same`: it was there already
 * - `newer`: a newer version is there, which stays
 * - `conflict`: this very version is there with other content. Two stores have given out the same version: an alarm.
 */
export type Outcome = "applied" | "same" | "newer" | "conflict";

/** The item with a mark of who applied it. */
export function withOrigin(item: Item, origin: Origin): Item {
  // Items have many shapes, and a spread of many shapes is slow: this is half of it.
  const marked: Item = Object.assign({}, item);
  marked[originAttribute] = { S: origin };
  return marked;
}

const names = { "#version": "version" };

/**
 * A put that takes effect only over an older version, or over nothing; if it does not, it shows what is there. Without a
 * command around it, which takes longer to make, it is what a transaction wants.
 */
export function guardedPut(tableName: string, item: Item, origin: Origin) {
  return {
    TableName: tableName,
    Item: withOrigin(item, origin),
    ConditionExpression: "attribute_not_exists(pk) OR #version < :version",
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: { ":version": item.version ?? { N: "0" } },
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  } as const;
}

/**
 * Applies an item of a row whose change another store made, with the version that it gave, as it is. Doing so again, late
 * or beside others who do the same changes nothing.
 *
 * Neither retries nor waits: throttling and lost answers are the caller's to pace by.
 */
export async function applyItem(
  client: Pick<DynamoDBClient, "send">,
  tableName: string,
  item: Item,
  origin: Origin,
): Promise<Outcome> {
  try {
    await client.send(new PutItemCommand(guardedPut(tableName, item, origin)));
    return "applied";
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return refusedBecause(error.Item, item);
  }
}

/** Why a guarded put of `item` was refused by what is there. */
export function refusedBecause(found: Item | undefined, item: Item): Exclude<Outcome, "applied"> {
  if (!found) throw new Error("a guarded put was refused, but nothing is there");
  if (versionOf(found) > versionOf(item)) return "newer";
  return contentOf(found) === contentOf(item) ? "same" : "conflict";
}
