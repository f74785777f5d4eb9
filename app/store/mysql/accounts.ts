import { errors } from "../../domain/errors.ts";
import { nameKey } from "../../domain/names.ts";
import type { Accounts, Id, NewUser, Once, User } from "../store.ts";
import type { Database, Row, Value } from "./database.ts";
import { isDuplicate } from "./failures.ts";
import { findCreation, noteCreation } from "./once.ts";

/** A user with counters and, by the first parameter (a viewer's id, or null), whether the viewer follows them. */
const selectUser = `
  SELECT u.id, u.name, u.display_name, u.bio, u.created_at, c.posts, c.followers, c.following,
    (SELECT 1 FROM follows f WHERE f.follower_id = ? AND f.followee_id = u.id AND f.deleted = 0) AS followed
  FROM users u LEFT JOIN user_counters c ON c.user_id = u.id`;

export function mysqlAccounts(database: Database): Accounts {
  async function find(condition: string, value: Value, viewer: Id | undefined): Promise<User | undefined> {
    const [row] = await database.read(`${selectUser} WHERE u.deleted = 0 AND ${condition}`, [viewerId(viewer), value]);
    return row && toUser(row, viewer);
  }

  async function credentials(name: string): Promise<{ id: Id; passwordHash: string } | undefined> {
    const [row] = await database.read("SELECT id, password_hash FROM users WHERE name_key = ? AND deleted = 0", [
      Buffer.from(nameKey(name)),
    ]);
    return row && { id: row.id as Id, passwordHash: row.password_hash as string };
  }

  return {
    credentials,
    user: (id) => find("u.id = ?", BigInt(id), undefined),
    userByName: (name, viewer) => find("u.name_key = ?", Buffer.from(nameKey(name)), viewer),

    async createUser(user: NewUser, once?: Once): Promise<User> {
      try {
        await database.write(async (transaction) => {
          const id = BigInt(user.id);
          await transaction.change(
            ["users", id],
            `INSERT INTO users (id, name, name_key, display_name, bio, password_hash, created_at, version)
             VALUES (?, ?, ?, ?, '', ?, ?, ?)`,
            [
              id,
              user.name,
              Buffer.from(nameKey(user.name)),
              user.displayName,
              user.passwordHash,
              user.createdAt,
              transaction.first,
            ],
          );
          await transaction.change(
            ["user_counters", id],
            "INSERT INTO user_counters (user_id, version) VALUES (?, ?)",
            [id, transaction.first],
          );
          if (once)
            await noteCreation(
              transaction,
              { userId: user.id, kind: "user", resultId: user.id, at: user.createdAt },
              once,
            );
        });
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        // Ours already, when the answer to an earlier commit was lost on the way.
        if ((await credentials(user.name))?.id !== user.id) throw errors.nameTaken(user.name);
      }
      const { id, name, displayName, createdAt } = user;
      return { id, name, displayName, bio: "", createdAt, posts: 0, followers: 0, following: 0 };
    },

    async createdWith(userId, once) {
      const id = await findCreation(database, userId, "user", once);
      return id === undefined ? undefined : find("u.id = ?", BigInt(id), undefined);
    },

    async searchUsers(prefix, limit, viewer) {
      // A range of the name index: names are ASCII, so 0xff is beyond whatever follows the prefix.
      const from = Buffer.from(nameKey(prefix));
      const rows = await database.read(
        `${selectUser} WHERE u.deleted = 0 AND u.name_key >= ? AND u.name_key < ? ORDER BY u.name_key LIMIT ?`,
        [viewerId(viewer), from, Buffer.concat([from, Buffer.of(0xff)]), limit],
      );
      return rows.map((row) => toUser(row, viewer));
    },
  };
}

/** A viewer's id as a parameter; nobody matches null. */
export function viewerId(viewer: Id | undefined): bigint | null {
  return viewer === undefined ? null : BigInt(viewer);
}

function toUser(row: Row, viewer: Id | undefined): User {
  return {
    id: row.id as Id,
    name: row.name as string,
    displayName: row.display_name as string,
    bio: row.bio as string,
    createdAt: Number(row.created_at),
    posts: Number(row.posts ?? 0),
    followers: Number(row.followers ?? 0),
    following: Number(row.following ?? 0),
    ...(viewer === undefined ? {} : { followedByMe: row.followed !== null }),
  };
}
