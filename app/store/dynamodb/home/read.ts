import type { Id } from "../../store.ts";
import type { DynamoTable } from "../dynamo-table.ts";
import type { StoreOfRecord } from "../record.ts";
import { idOf, keys } from "../keys.ts";
import { parseRow } from "../mapping.ts";
import { parseHeader } from "./header.ts";
import { merge, type Posts, take } from "./merge.ts";
import { pulledAuthors } from "./pulls.ts";
import { rebuildTimeline } from "./rebuild.ts";
import { authorPosts, postRange, pulledPosts } from "./sources.ts";

/** The timeline's entries cannot be relied on: it is not there, not finished, or of an earlier epoch. */
class Incomplete extends Error {}

/**
 * Posts of a home timeline, newest first: entries that were fanned out, merged with the user's own posts and those of
 * pulled authors. Deleted posts and authors no longer followed are left out here, whatever the entries say.
 */
export async function homePosts(
  table: DynamoTable,
  record: StoreOfRecord,
  user: Id,
  { below, count }: { below: bigint; count: number },
) {
  const epoch = await record.epoch();
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const pulled = await followedAmong(table, user, await pulledAuthors(table, user));
      const direct = [user, ...pulled].map((author) => authorPosts(table, author, { below, pageSize: count }));
      return await take(merge([fannedOut(table, user, epoch, below, count), ...direct]), count);
    } catch (error) {
      if (!(error instanceof Incomplete)) throw error;
      await rebuildTimeline(table, user, epoch);
    }
  }
  // Another server is a store of another epoch just now, and rebuilds against us.
  const own = authorPosts(table, user, { below, pageSize: count });
  return take(merge([own, pulledPosts(table, user, below, count)]), count);
}

/** Posts by the timeline's entries; below its floor, by the timelines of all whom the user follows. */
async function* fannedOut(table: DynamoTable, user: Id, epoch: bigint, below: bigint, count: number): Posts {
  const { pk } = keys.homeHeader(user);
  const pageSize = Math.max(count, 25);
  for (let end = below; ;) {
    const range = postRange(-1n, end);
    const entries = range ? await take(table.query({ pk, ...range, backwards: true, pageSize }), pageSize) : [];
    const page = entries.map(({ sk, author_id }) => ({ id: idOf(sk?.S as string), author: author_id?.S as Id }));
    // The header with or after the entries: whoever takes entries away raises the floor before.
    const found = await table.getAll([
      keys.homeHeader(user),
      ...page.flatMap(({ id, author }) => [keys.post(author, id), keys.following(user, author)]),
    ]);
    const header = parseHeader(found.at(keys.homeHeader(user)));
    if (!header?.isComplete || header.epoch < epoch) throw new Incomplete();
    for (const { id, author } of page) {
      if (BigInt(id) <= header.floor) break;
      const post = found.at(keys.post(author, id));
      const isFollowed = found.at(keys.following(user, author))?.deleted?.BOOL === false;
      if (post && isFollowed && !post.deleted?.BOOL) yield parseRow("posts", post);
    }
    const last = page.at(-1);
    if (last && page.length === pageSize && BigInt(last.id) > header.floor) {
      end = BigInt(last.id);
      continue;
    }
    const rest = header.floor + 1n < below ? header.floor + 1n : below;
    if (header.floor > 0n) yield* pulledPosts(table, user, rest, count);
    return;
  }
}

async function followedAmong(table: DynamoTable, user: Id, authors: readonly Id[]): Promise<Id[]> {
  const found = await table.getAll(authors.map((author) => keys.following(user, author)));
  return authors.filter((author) => found.at(keys.following(user, author))?.deleted?.BOOL === false);
}
