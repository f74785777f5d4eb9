import type { Attempts, Micros } from "../store.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import type { Item } from "./items.ts";
import { keys } from "./keys.ts";
import { timeToLive } from "./table-definition.ts";

/** Attempts are counted in place and forgotten by the table's time to live; they are no rows and never migrate. */
export function dynamoAttempts(table: DynamoTable): Attempts {
  /** Counts within the window that is open, or opens one. */
  async function count(subject: Buffer, window: Micros, now: Micros): Promise<Item> {
    const expired = { ":expired": { N: String(now - window) } };
    const names = { "#attempts": "attempts", "#started": "started_at" };
    for (;;) {
      const counted = await table.update(keys.attempt(subject), {
        UpdateExpression: "SET #attempts = #attempts + :one",
        ConditionExpression: "#started > :expired",
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: { ":one": { N: "1" }, ...expired },
      });
      if (counted) return counted;
      const opened = await table.update(keys.attempt(subject), {
        UpdateExpression: "SET #attempts = :one, #started = :now, #ttl = :ttl, #type = :type",
        ConditionExpression: "attribute_not_exists(pk) OR #started <= :expired",
        ExpressionAttributeNames: { ...names, "#ttl": timeToLive, "#type": "type" },
        ExpressionAttributeValues: {
          ":one": { N: "1" },
          ":now": { N: String(now) },
          ":ttl": { N: String(Math.ceil((now + window) / 1e6)) },
          ":type": { S: "attempt" },
          ...expired,
        },
      });
      if (opened) return opened;
    }
  }

  return {
    async countAttempt(limits, window, now) {
      const waits = await Promise.all(
        limits.map(async ({ subject, limit }) => {
          const { attempts, started_at } = await count(subject, window, now);
          if (Number(attempts?.N) <= limit) return 0;
          return Math.max(1, Math.ceil((Number(started_at?.N) + window - now) / 1e6));
        }),
      );
      return Math.max(0, ...waits) || undefined;
    },

    async forgiveAttempt(subjects) {
      await Promise.all(
        subjects.map((subject) =>
          table.update(keys.attempt(subject), {
            UpdateExpression: "SET #attempts = #attempts - :one",
            ConditionExpression: "#attempts > :none",
            ExpressionAttributeNames: { "#attempts": "attempts" },
            ExpressionAttributeValues: { ":one": { N: "1" }, ":none": { N: "0" } },
          }),
        ),
      );
    },
  };
}
