import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { type Column, binary, flag, id, nullableText, text, version, wholeNumber } from "./columns.ts";
import { type Key, keys } from "./keys.ts";

/**
 * The one description of what lies where: each MySQL table with its columns, and the items that a row of it becomes.
 *
 * | what is asked                                  | answered by                                                  |
 * |------------------------------------------------|--------------------------------------------------------------|
 * | user by id, with counters                      | Query `u#ID`, sk begins with `user`: two items               |
 * | id by name; is the name free                   | Get `name#NAME`                                              |
 * | names by prefix, in order                      | Query all of `names#0`..`names#15`, merged                   |
 * | post by id                                     | Get `p#POST` · `post` for its author, then as the next       |
 * | post by author and id                          | Get `u#AUTHOR` · `post#POST`                                 |
 * | posts of a user, newest first                  | Query `u#AUTHOR`, sk below `post#BEFORE`, backwards          |
 * | likes of a post                                | Get `p#POST` · `likes`                                       |
 * | does A follow B                                | Get `u#A` · `following#B`                                    |
 * | whom A follows                                 | Query `u#A`, sk begins with `following#`                     |
 * | who follows B (fan-out)                        | Query `u#B`, sk begins with `follower#`                      |
 * | does A like a post                             | Get `u#A` · `like#POST`                                      |
 * | does a session hold                            | Get `u#A` · `session#HASH`                                   |
 * | what was created with an idempotency key       | Get `u#A` · `once#HASH`                                      |
 * | home timeline, newest first                    | Query `home#A`, sk below `post#BEFORE`, backwards            |
 * | is it complete; whom it pulls at read time     | Get `home#A` · `header`; Query `home#A`, `pull#…`            |
 * | is an author pulled by all followers           | Get `u#B` · `pulled`                                         |
 * | pictures to remove                             | Query `removals`                                             |
 * | attempts to sign in                            | Update `attempt#HASH`                                        |
 * | worker numbers                                 | Update `worker#N`                                            |
 *
 * There is no index: whatever is looked up has an item of its own, written in the same transaction. A user's items share
 * a partition, a post's counter and lookup have one apart, so that a post liked by thousands does not slow its author.
 */
export type Item = Record<string, AttributeValue>;

/** A MySQL row by its column names, each value in the one form that its column has. */
export type RowOf<C> = { [N in keyof C]: C[N] extends Column<infer T> ? T : never };

type Columns = Readonly<Record<string, Column<unknown>>>;

/** One item of a row. */
export interface ItemLayout<C extends Columns> {
  /** Attribute `type` of the item. */
  readonly type: string;
  readonly key: (row: RowOf<C>) => Key;
  /** Columns it has as attributes, beside the version and the flag of deletion that all of a row's items have. */
  readonly has: readonly (keyof C & string)[];
}

export interface Table<C extends Columns = Columns> {
  readonly name: string;
  readonly columns: C;
  /** Columns of the primary key. */
  readonly primaryKey: readonly (keyof C & string)[];
  /** The first holds the whole row. */
  readonly items: readonly ItemLayout<C>[];
}

function table<const C extends Columns>(
  name: string,
  columns: C,
  primaryKey: readonly (keyof C & string)[],
  whole: Omit<ItemLayout<C>, "has">,
  ...lookups: ItemLayout<C>[]
): Table<C> {
  return { name, columns, primaryKey, items: [{ ...whole, has: Object.keys(columns) }, ...lookups] };
}

const versioned = { deleted: flag(), version: version() };

export const tables = {
  users: table(
    "users",
    {
      id: id(),
      name: text(),
      name_key: binary(),
      display_name: text(),
      bio: text(),
      password_hash: text(),
      created_at: wholeNumber(),
      ...versioned,
    },
    ["id"],
    { type: "user", key: (row) => keys.user(row.id) },
    { type: "name", key: (row) => keys.name(row.name_key.toString()), has: ["id"] },
    { type: "directory", key: (row) => keys.directory(row.name_key.toString()), has: ["id"] },
  ),
  user_counters: table(
    "user_counters",
    { user_id: id(), posts: wholeNumber(), followers: wholeNumber(), following: wholeNumber(), version: version() },
    ["user_id"],
    { type: "user_counts", key: (row) => keys.userCounts(row.user_id) },
  ),
  posts: table(
    "posts",
    { id: id(), author_id: id(), text: text(), media: nullableText(), created_at: wholeNumber(), ...versioned },
    ["id"],
    { type: "post", key: (row) => keys.post(row.author_id, row.id) },
    { type: "post_lookup", key: (row) => keys.postLookup(row.id), has: ["author_id"] },
  ),
  post_counters: table("post_counters", { post_id: id(), likes: wholeNumber(), version: version() }, ["post_id"], {
    type: "post_likes",
    key: (row) => keys.postLikes(row.post_id),
  }),
  follows: table(
    "follows",
    { follower_id: id(), followee_id: id(), created_at: wholeNumber(), ...versioned },
    ["follower_id", "followee_id"],
    { type: "following", key: (row) => keys.following(row.follower_id, row.followee_id) },
    { type: "follower", key: (row) => keys.follower(row.followee_id, row.follower_id), has: ["follower_id"] },
  ),
  likes: table(
    "likes",
    { user_id: id(), post_id: id(), created_at: wholeNumber(), ...versioned },
    ["user_id", "post_id"],
    { type: "like", key: (row) => keys.like(row.user_id, row.post_id) },
  ),
  sessions: table(
    "sessions",
    { user_id: id(), token_hash: binary(32), created_at: wholeNumber(), expires_at: wholeNumber(), ...versioned },
    ["user_id", "token_hash"],
    { type: "session", key: (row) => keys.session(row.user_id, row.token_hash) },
  ),
  idempotency_keys: table(
    "idempotency_keys",
    {
      user_id: id(),
      key_hash: binary(32),
      kind: text(),
      fingerprint: binary(32),
      result_id: id(),
      created_at: wholeNumber(),
      ...versioned,
    },
    ["user_id", "key_hash"],
    { type: "once", key: (row) => keys.once(row.user_id, row.key_hash) },
  ),
} as const;

export type Tables = typeof tables;
export type TableName = keyof Tables;

/** A row of the table of that name. */
export type RowIn<N extends TableName> = RowOf<Tables[N]["columns"]>;

export const tableNames = Object.keys(tables) as TableName[];

/** A table's description, for code that serves them all. */
export function tableOf(name: TableName): Table {
  return tables[name] as unknown as Table;
}
