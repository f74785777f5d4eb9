import type { Id, Removal, Removals } from "../store.ts";
import type { Database, Transaction } from "./database.ts";

export function mysqlRemovals(database: Database): Removals {
  return {
    async removals(limit) {
      const rows = await database.read(
        "SELECT post_id, object_keys FROM picture_removals WHERE done = 0 ORDER BY post_id LIMIT ?",
        [limit],
      );
      return rows.map((row) => ({
        postId: row.post_id as Id,
        keys: JSON.parse(row.object_keys as string) as string[],
      }));
    },

    async removed(postId) {
      await database.execute("UPDATE picture_removals SET done = 1 WHERE post_id = ?", [BigInt(postId)]);
    },
  };
}

/** Notes, in the transaction that deletes the post, what is to be removed. */
export async function noteRemoval(transaction: Transaction, { postId, keys }: Removal): Promise<void> {
  await transaction.changeUnversioned("INSERT INTO picture_removals (post_id, object_keys) VALUES (?, ?)", [
    BigInt(postId),
    JSON.stringify(keys),
  ]);
}
