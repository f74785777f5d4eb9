import { errors } from "../../domain/errors.ts";
import type { Relations } from "../store.ts";
import type { Database, Transaction } from "./database.ts";

/** A relation's table and the columns of its primary key. */
interface Relation {
  readonly table: "follows" | "likes";
  readonly from: string;
  readonly to: string;
}

const follows: Relation = { table: "follows", from: "follower_id", to: "followee_id" };
const likes: Relation = { table: "likes", from: "user_id", to: "post_id" };

/** Makes the relation hold or not, in one statement; returns whether that changed anything. */
async function set(
  transaction: Transaction,
  { table, from, to }: Relation,
  [subject, object]: [bigint, bigint],
  holds: boolean,
  now: number,
): Promise<boolean> {
  if (!holds) {
    const changed = await transaction.change(
      [table, subject, object],
      `UPDATE ${table} SET deleted = 1, version = GREATEST(version + 1, ?)
       WHERE ${from} = ? AND ${to} = ? AND deleted = 0`,
      [transaction.first, subject, object],
    );
    return changed > 0;
  }
  // Assignments happen from left to right: the first still sees the row as it was.
  const changed = await transaction.change(
    [table, subject, object],
    `INSERT INTO ${table} (${from}, ${to}, created_at, version) VALUES (?, ?, ?, ?)
     ON DUPLICATE KEY UPDATE
       version = IF(deleted = 1, GREATEST(version + 1, ?), version),
       created_at = IF(deleted = 1, ?, created_at),
       deleted = 0`,
    [subject, object, now, transaction.first, transaction.first, now],
  );
  return changed > 0;
}

export function mysqlRelations(database: Database): Relations {
  return {
    async setFollow(follower, followee, holds, now) {
      const [from, to] = [BigInt(follower), BigInt(followee)];
      await database.write(async (transaction) => {
        if (!(await set(transaction, follows, [from, to], holds, now))) return;
        const updates: [bigint, "following" | "followers"][] = [
          [from, "following"],
          [to, "followers"],
        ];
        // In the order of ids: two people who follow each other at once don't wait for each other's rows.
        updates.sort(([a], [b]) => (a < b ? -1 : 1));
        for (const [id, counter] of updates) await transaction.count("user_counters", counter, holds ? 1 : -1, id);
      });
    },

    async setLike(userId, postId, holds, now) {
      const [user, post] = [BigInt(userId), BigInt(postId)];
      await database.write(async (transaction) => {
        if (holds) {
          const rows = await transaction.read("SELECT 1 FROM posts WHERE id = ? AND deleted = 0", [post]);
          if (rows.length === 0) throw errors.noSuchPost();
        }
        if (!(await set(transaction, likes, [user, post], holds, now))) return;
        await transaction.count("post_counters", "likes", holds ? 1 : -1, post);
      });
    },
  };
}
