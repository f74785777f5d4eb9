import type { Sessions } from "../store.ts";
import type { Database } from "./database.ts";

export function mysqlSessions(database: Database): Sessions {
  return {
    async createSession({ userId, tokenHash, createdAt, expiresAt }) {
      await database.write((transaction) =>
        // The same token again is our own commit whose answer was lost.
        transaction.change(
          ["sessions", BigInt(userId), tokenHash],
          `INSERT INTO sessions (user_id, token_hash, created_at, expires_at, version) VALUES (?, ?, ?, ?, ?)
           ON DUPLICATE KEY UPDATE user_id = user_id`,
          [BigInt(userId), tokenHash, createdAt, expiresAt, transaction.first],
        ),
      );
    },

    async sessionHolds(userId, tokenHash, now) {
      const rows = await database.read(
        "SELECT 1 FROM sessions WHERE user_id = ? AND token_hash = ? AND deleted = 0 AND expires_at > ?",
        [BigInt(userId), tokenHash, now],
      );
      return rows.length > 0;
    },

    async endSession(userId, tokenHash) {
      await database.write((transaction) =>
        transaction.change(
          ["sessions", BigInt(userId), tokenHash],
          `UPDATE sessions SET deleted = 1, version = GREATEST(version + 1, ?)
           WHERE user_id = ? AND token_hash = ? AND deleted = 0`,
          [transaction.first, BigInt(userId), tokenHash],
        ),
      );
    },
  };
}
