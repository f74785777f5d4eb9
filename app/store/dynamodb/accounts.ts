import { errors } from "../../domain/errors.ts";
import { nameKey } from "../../domain/names.ts";
import type { Accounts, Id, NewUser, Once, User } from "../store.ts";
import type { Changes } from "./changes.ts";
import type { DynamoTable, Items } from "./dynamo-table.ts";
import type { RowIn } from "./items.ts";
import { directoryPartitions, type Key, keys } from "./keys.ts";
import { parseRow } from "./mapping.ts";
import { findCreation, noteCreation } from "./once.ts";

export function dynamoAccounts(table: DynamoTable, changes: Changes): Accounts {
  async function idOf(name: string): Promise<Id | undefined> {
    const item = await table.get(keys.name(nameKey(name)));
    return item?.deleted?.BOOL ? undefined : item?.id?.S;
  }

  /** Of several users, those who are there, in the same order. */
  async function find(ids: readonly Id[], viewer?: Id): Promise<User[]> {
    const found = await table.getAll(ids.flatMap((id) => keysOf(id, viewer)));
    return ids.flatMap((id) => toUser(found, id, viewer) ?? []);
  }

  async function findOne(id: Id | undefined, viewer?: Id): Promise<User | undefined> {
    return id === undefined ? undefined : (await find([id], viewer))[0];
  }

  return {
    user: (id) => findOne(id),
    userByName: async (name, viewer) => findOne(await idOf(name), viewer),

    async credentials(name) {
      const id = await idOf(name);
      const item = id === undefined ? undefined : await table.get(keys.user(id));
      const row = item && parseRow("users", item);
      return row && !row.deleted ? { id: row.id, passwordHash: row.password_hash } : undefined;
    },

    async createUser(user: NewUser, once?: Once): Promise<User> {
      const { id, name, displayName, passwordHash, createdAt } = user;
      const isDone = await changes.write(async (change) => {
        change.insert("users", {
          id,
          name,
          name_key: Buffer.from(nameKey(name)),
          display_name: displayName,
          bio: "",
          password_hash: passwordHash,
          created_at: createdAt,
          deleted: false,
          version: change.first,
        });
        change.insert("user_counters", { user_id: id, posts: 0, followers: 0, following: 0, version: change.first });
        if (once) noteCreation(change, { userId: id, kind: "user", resultId: id, at: createdAt }, once);
        return (await change.tryCommit()).length === 0;
      });
      // Ours already, when the answer to an earlier attempt was lost on the way. A name is never free again.
      if (!isDone && (await table.get(keys.name(nameKey(name))))?.id?.S !== id) throw errors.nameTaken(name);
      return { id, name, displayName, bio: "", createdAt, posts: 0, followers: 0, following: 0 };
    },

    async createdWith(userId, once) {
      return findOne(await findCreation(table, userId, "user", once));
    },

    async searchUsers(prefix, limit, viewer) {
      const start = nameKey(prefix);
      const range = { ...(start ? { from: start } : {}), to: `${start}~`, pageSize: limit };
      const parts = await Promise.all(
        directoryPartitions.map(async (pk) => {
          const entries: { name: string; id: Id }[] = [];
          for await (const { sk, id, deleted } of table.query({ pk, ...range })) {
            if (!deleted?.BOOL) entries.push({ name: sk?.S as string, id: id?.S as Id });
            if (entries.length === limit) break;
          }
          return entries;
        }),
      );
      const entries = parts.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
      const ids = entries.slice(0, limit).map(({ id }) => id);
      return find(ids, viewer);
    },
  };
}

function keysOf(id: Id, viewer: Id | undefined): Key[] {
  const mine = viewer === undefined ? [] : [keys.following(viewer, id)];
  return [keys.user(id), keys.userCounts(id), ...mine];
}

function toUser(found: Items, id: Id, viewer: Id | undefined): User | undefined {
  const item = found.at(keys.user(id));
  const row = item && parseRow("users", item);
  if (!row || row.deleted) return undefined;
  const counted = found.at(keys.userCounts(id));
  const none: Pick<RowIn<"user_counters">, "posts" | "followers" | "following"> = {
    posts: 0,
    followers: 0,
    following: 0,
  };
  const { posts, followers, following } = counted ? parseRow("user_counters", counted) : none;
  const user = { ...toAuthor(row), bio: row.bio, createdAt: row.created_at, posts, followers, following };
  if (viewer === undefined) return user;
  return { ...user, followedByMe: found.at(keys.following(viewer, id))?.deleted?.BOOL === false };
}

export function toAuthor({ id, name, display_name }: RowIn<"users">) {
  return { id, name, displayName: display_name };
}
