import type { Id } from "../store/store.ts";
import type { DynamoTable } from "../store/dynamodb/dynamo-table.ts";
import { raiseFloor } from "../store/dynamodb/home/header.ts";
import { timelineLength } from "../store/dynamodb/home/rebuild.ts";
import { idOf, type Key, keys } from "../store/dynamodb/keys.ts";

/** A timeline is looked through once in so many of its entries; it may be longer by a few times as many. */
const interval = 64n;

/** Whether it is this entry's turn: by chance, but the same whenever the record comes again. */
export function isTrimmedAt(follower: Id, post: Id): boolean {
  // By the milliseconds of both ids; what is below them is mostly the same.
  return ((BigInt(post) >> 22n) + (BigInt(follower) >> 22n)) % interval === 0n;
}

/** Takes away what is older than the newest 800 entries. */
export async function trimTimeline(table: DynamoTable, user: Id): Promise<void> {
  const { pk } = keys.homeHeader(user);
  const deletes: Key[] = [];
  let kept = 0;
  for await (const { sk } of table.query({ pk, from: "post#", to: "post#~", backwards: true })) {
    if (kept < timelineLength) kept += 1;
    else deletes.push({ pk, sk: sk?.S as string });
  }
  const newest = deletes[0];
  if (!newest) return;
  // First the floor, so that a reader who misses these entries knows it.
  await raiseFloor(table, user, BigInt(idOf(newest.sk)));
  await table.writeAll({ deletes });
}
