import type { Version } from "../../../domain/version.ts";
import type { Id } from "../../store.ts";
import type { Change } from "../changes.ts";
import { attributes, type DynamoTable } from "../dynamo-table.ts";
import type { Item, RowIn } from "../items.ts";
import { idOf, keys } from "../keys.ts";

/**
 * Authors whose posts a home timeline takes from their own timelines at read time, noted beside its entries:
 * - with `since`, the version of a new follow: until fan-out has filled in the author's posts, so that whoever follows
 *   somebody sees their posts at once;
 * - without, for good: the author has too many followers to be fanned out.
 */
export function pullItem(user: Id, author: Id, since?: Version): Item {
  return {
    ...attributes(keys.homePull(user, author)),
    type: { S: "home_pull" },
    ...(since === undefined ? {} : { since: { N: String(since) } }),
  };
}

/** Notes, in the transaction that changes the edge, that its author is pulled, or no more. */
export function markPull(change: Change, edge: RowIn<"follows">): void {
  if (edge.deleted) change.delete(keys.homePull(edge.follower_id, edge.followee_id));
  else change.put(pullItem(edge.follower_id, edge.followee_id, edge.version));
}

/** Whom the user's home timeline pulls. */
export async function pulledAuthors(table: DynamoTable, user: Id): Promise<Id[]> {
  const { pk } = keys.homeHeader(user);
  const authors: Id[] = [];
  for await (const { sk } of table.query({ pk, from: "pull#", to: "pull#~" })) authors.push(idOf(sk?.S as string));
  return authors;
}

/**
 * Ends pulling that an edge of this version or an older one began; what a newer follow has noted stays.
 *
 * @param forGood also where the author is pulled for good: the user follows no more
 */
export async function endPull(
  table: DynamoTable,
  user: Id,
  author: Id,
  { until, forGood }: { until: Version; forGood: boolean },
): Promise<void> {
  await table.transact([
    {
      Delete: {
        TableName: table.name,
        Key: attributes(keys.homePull(user, author)),
        ConditionExpression: forGood ? "attribute_not_exists(since) OR since <= :until" : "since <= :until",
        ExpressionAttributeValues: { ":until": { N: String(until) } },
      },
    },
  ]);
}
