import type { Removal, Removals } from "../store.ts";
import type { Change } from "./changes.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { idOf, keys } from "./keys.ts";

/** A to-do list of this store's own; what is done is deleted from it. It holds few, so one partition is enough. */
export function dynamoRemovals(table: DynamoTable): Removals {
  return {
    async removals(limit) {
      const waiting: Removal[] = [];
      for await (const item of table.query({ pk: "removals", pageSize: limit })) {
        const objects = item.object_keys?.L ?? [];
        waiting.push({ postId: idOf(item.sk?.S as string), keys: objects.map(({ S }) => S as string) });
        if (waiting.length === limit) break;
      }
      return waiting;
    },

    removed: (postId) => table.writeAll({ deletes: [keys.removal(postId)] }),
  };
}

/** Notes, in the transaction that deletes the post, what is to be removed. */
export function noteRemoval(change: Change, { postId, keys: objects }: Removal): void {
  const { pk, sk } = keys.removal(postId);
  change.put({
    pk: { S: pk },
    sk: { S: sk },
    type: { S: "removal" },
    object_keys: { L: objects.map((key) => ({ S: key })) },
  });
}
