import { hash } from "node:crypto";
import type { Id } from "../store.ts";

/** Where an item is: both parts are strings. */
export interface Key {
  /** Partition key: whose it is. */
  readonly pk: string;
  /** Sort key: what it is. */
  readonly sk: string;
}

/** An id such that the order of strings is the order of ids; 20 digits hold every 64-bit number. */
export function padId(id: Id): string {
  return id.padStart(20, "0");
}

/** Greater than any padded id. */
export const afterAllIds = ":";

/** The id in a sort key such as `post#00000001748394738473`. */
export function idOf(sk: string): Id {
  return String(BigInt(sk.slice(sk.lastIndexOf("#") + 1)));
}

/** How many partitions the directory of names has: a sign-up writes to one, a search asks all. */
const directoryShards = 16;

export const directoryPartitions = Array.from({ length: directoryShards }, (_, shard) => `names#${shard}`);

/** Every kind of key there is. docs/decisions/dynamodb-items.md says what each is for. */
export const keys = {
  user: (id: Id): Key => ({ pk: `u#${id}`, sk: "user" }),
  userCounts: (id: Id): Key => ({ pk: `u#${id}`, sk: "user#counts" }),
  name: (nameKey: string): Key => ({ pk: `name#${nameKey}`, sk: "name" }),
  directory: (nameKey: string): Key => ({
    pk: directoryPartitions[parseInt(hash("sha256", nameKey).slice(0, 2), 16) % directoryShards] as string,
    sk: nameKey,
  }),
  post: (author: Id, post: Id): Key => ({ pk: `u#${author}`, sk: `post#${padId(post)}` }),
  postLookup: (post: Id): Key => ({ pk: `p#${post}`, sk: "post" }),
  postLikes: (post: Id): Key => ({ pk: `p#${post}`, sk: "likes" }),
  following: (follower: Id, followee: Id): Key => ({ pk: `u#${follower}`, sk: `following#${padId(followee)}` }),
  follower: (followee: Id, follower: Id): Key => ({ pk: `u#${followee}`, sk: `follower#${padId(follower)}` }),
  like: (user: Id, post: Id): Key => ({ pk: `u#${user}`, sk: `like#${padId(post)}` }),
  session: (user: Id, tokenHash: Buffer): Key => ({ pk: `u#${user}`, sk: `session#${tokenHash.toString("hex")}` }),
  once: (user: Id, keyHash: Buffer): Key => ({ pk: `u#${user}`, sk: `once#${keyHash.toString("hex")}` }),
  // What follows is no MySQL row's: it is this store's own, or derived from rows.
  pulled: (author: Id): Key => ({ pk: `u#${author}`, sk: "pulled" }),
  homeHeader: (user: Id): Key => ({ pk: `home#${user}`, sk: "header" }),
  homeEntry: (user: Id, post: Id): Key => ({ pk: `home#${user}`, sk: `post#${padId(post)}` }),
  homePull: (user: Id, author: Id): Key => ({ pk: `home#${user}`, sk: `pull#${padId(author)}` }),
  removal: (post: Id): Key => ({ pk: "removals", sk: `post#${padId(post)}` }),
  attempt: (subject: Buffer): Key => ({ pk: `attempt#${subject.toString("hex")}`, sk: "attempt" }),
  record: { pk: "record", sk: "record" },
  worker: (number: number): Key => ({ pk: `worker#${number}`, sk: "worker" }),
} as const;
