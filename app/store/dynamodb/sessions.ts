import type { Sessions } from "../store.ts";
import type { Changes } from "./changes.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { keys } from "./keys.ts";
import { parseRow } from "./mapping.ts";

export function dynamoSessions(table: DynamoTable, changes: Changes): Sessions {
  return {
    async createSession({ userId, tokenHash, createdAt, expiresAt }) {
      await changes.write(async (change) => {
        change.insert("sessions", {
          user_id: userId,
          token_hash: tokenHash,
          created_at: createdAt,
          expires_at: expiresAt,
          deleted: false,
          version: change.first,
        });
        // The same token again is our own write whose answer was lost.
        await change.tryCommit();
      });
    },

    async sessionHolds(userId, tokenHash, now) {
      const item = await table.get(keys.session(userId, tokenHash));
      const row = item && parseRow("sessions", item);
      return row !== undefined && !row.deleted && row.expires_at > now;
    },

    async endSession(userId, tokenHash) {
      await changes.write(async (change) => {
        const item = await table.get(keys.session(userId, tokenHash));
        const row = item && parseRow("sessions", item);
        if (!row || row.deleted) return;
        change.replace("sessions", row.version, { ...row, deleted: true, version: change.next(row.version) });
        await change.commit();
      });
    },
  };
}
