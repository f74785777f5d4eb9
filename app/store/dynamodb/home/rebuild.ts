import type { Id } from "../../store.ts";
import { attributes, type DynamoTable, inTurns } from "../dynamo-table.ts";
import type { Item } from "../items.ts";
import { keys } from "../keys.ts";
import { beginTimeline, completeTimeline } from "./header.ts";
import { take } from "./merge.ts";
import { pullItem } from "./pulls.ts";
import { authorPosts, followedBy } from "./sources.ts";

/** Entries that a home timeline keeps; what is older is read from the authors' timelines. */
export const timelineLength = 800;

/** Authors read at once. */
const concurrency = 16;

export function entryItem(user: Id, post: { readonly id: Id; readonly author_id: Id }): Item {
  return { ...attributes(keys.homeEntry(user, post.id)), type: { S: "home_entry" }, author_id: { S: post.author_id } };
}

/**
 * Builds a home timeline from the timelines of those whom the user follows: on the first read, and on the first of each
 * epoch, as what another store wrote is not fanned out.
 */
export async function rebuildTimeline(table: DynamoTable, user: Id, epoch: bigint): Promise<void> {
  // First of all: a post that is written from here on is fanned out, one from before is read below.
  await beginTimeline(table, user, epoch);
  const followed = await followedBy(table, user);
  const flags = await table.getAll(followed.map(keys.pulled));
  const ordinary = followed.filter((author) => !flags.at(keys.pulled(author)));
  const pulled = followed.filter((author) => flags.at(keys.pulled(author)));
  const { entries, floor } = await newestPosts(table, ordinary);
  await table.writeAll({
    puts: [...entries.map((post) => entryItem(user, post)), ...pulled.map((author) => pullItem(user, author))],
  });
  await completeTimeline(table, user, epoch, floor);
}

/** The newest posts of the authors together, and the id above which none is missing. */
async function newestPosts(table: DynamoTable, authors: readonly Id[]) {
  // Twice their share: authors don't write equally often. Where that is too few, the floor says so.
  const share = Math.ceil((2 * timelineLength) / Math.max(1, authors.length));
  const each = Math.min(timelineLength, Math.max(20, share));
  const read = await inTurns(authors, concurrency, (author) =>
    take(authorPosts(table, author, { pageSize: each }), each),
  );
  // An author of whom there may be more is known down to the last post that was read.
  const cuts = read.filter((posts) => posts.length === each).map((posts) => BigInt(posts.at(-1)?.id ?? 0) - 1n);
  const newestFirst = read.flat().sort((a, b) => (BigInt(a.id) > BigInt(b.id) ? -1 : 1));
  const beyond = newestFirst[timelineLength];
  if (beyond) cuts.push(BigInt(beyond.id));
  const floor = cuts.reduce((highest, cut) => (cut > highest ? cut : highest), 0n);
  return { entries: newestFirst.filter(({ id }) => BigInt(id) > floor), floor };
}
