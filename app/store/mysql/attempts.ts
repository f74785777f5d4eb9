import type { Attempts } from "../store.ts";
import type { Database } from "./database.ts";

export function mysqlAttempts(database: Database): Attempts {
  return {
    async countAttempt(limits, window, now) {
      // Always in the same order, so that two servers never wait for each other's subjects.
      const ordered = [...limits].sort((a, b) => a.subject.compare(b.subject));
      return database.write(async (transaction) => {
        let wait: number | undefined;
        for (const { subject, limit } of ordered) {
          const expired = now - window;
          await transaction.changeUnversioned(
            `INSERT INTO login_attempts (subject, attempts, started_at) VALUES (?, 1, ?)
             ON DUPLICATE KEY UPDATE
               attempts = IF(started_at <= ?, 1, attempts + 1),
               started_at = IF(started_at <= ?, ?, started_at)`,
            [subject, now, expired, expired, now],
          );
          const [row] = await transaction.read("SELECT attempts, started_at FROM login_attempts WHERE subject = ?", [
            subject,
          ]);
          if (Number(row?.attempts) <= limit) continue;
          wait = Math.max(wait ?? 1, Math.ceil((Number(row?.started_at) + window - now) / 1e6));
        }
        return wait;
      });
    },

    async forgiveAttempt(subjects) {
      const ordered = [...subjects].sort((a, b) => a.compare(b));
      await database.write(async (transaction) => {
        for (const subject of ordered)
          await transaction.changeUnversioned(
            "UPDATE login_attempts SET attempts = attempts - 1 WHERE subject = ? AND attempts > 0",
            [subject],
          );
      });
    },
  };
}
