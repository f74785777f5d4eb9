import type { Id } from "../../store.ts";
import type { DynamoTable } from "../dynamo-table.ts";
import { idOf, keys, padId } from "../keys.ts";
import { parseRow } from "../mapping.ts";
import { merge, type Posts } from "./merge.ts";

/** Greater than any id. */
export const endOfIds = 2n ** 64n;

/** Sort keys of posts with ids greater than `above` and less than `below`; undefined where there can be none. */
export function postRange(above: bigint, below: bigint): { from: string; to: string } | undefined {
  if (below <= above + 1n) return undefined;
  return { from: `post#${padId(String(above + 1n))}`, to: `post#${padId(String(below - 1n))}` };
}

/** The posts of an author that are not deleted, newest first, with ids greater than `above` and less than `below`. */
export async function* authorPosts(
  table: DynamoTable,
  author: Id,
  { above = -1n, below = endOfIds, pageSize }: { above?: bigint; below?: bigint; pageSize: number },
): Posts {
  const range = postRange(above, below);
  if (!range) return;
  for await (const item of table.query({ pk: keys.user(author).pk, ...range, backwards: true, pageSize }))
    if (!item.deleted?.BOOL) yield parseRow("posts", item);
}

/** Whom the user follows. */
export async function followedBy(table: DynamoTable, user: Id): Promise<Id[]> {
  const { pk } = keys.user(user);
  const followed: Id[] = [];
  for await (const { sk, deleted } of table.query({ pk, from: "following#", to: "following#~" }))
    if (!deleted?.BOOL) followed.push(idOf(sk?.S as string));
  return followed;
}

/** Posts of all whom the user follows, read from their own timelines: exact, and the dearer the more are followed. */
export async function* pulledPosts(table: DynamoTable, user: Id, below: bigint, pageSize: number): Posts {
  const followed = await followedBy(table, user);
  yield* merge(followed.map((author) => authorPosts(table, author, { below, pageSize })));
}
