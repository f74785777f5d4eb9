import { errors } from "../../domain/errors.ts";
import type { Id, Micros, Once } from "../store.ts";
import type { Change } from "./changes.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { keys } from "./keys.ts";
import { parseRow } from "./mapping.ts";

/** What is created with a key. */
export type CreationKind = "user" | "post";

/** Notes, in the transaction that creates something, what was created with the key. Refused for a key used before. */
export function noteCreation(
  change: Change,
  created: { userId: Id; kind: CreationKind; resultId: Id; at: Micros },
  once: Once,
): void {
  change.insert("idempotency_keys", {
    user_id: created.userId,
    key_hash: once.key,
    kind: created.kind,
    fingerprint: once.fingerprint,
    result_id: created.resultId,
    created_at: created.at,
    deleted: false,
    version: change.first,
  });
}

/**
 * The id of what the user created with this key; undefined when the key is new.
 *
 * @throws AppError `idempotency_key_reused` when it came with another request
 */
export async function findCreation(
  table: DynamoTable,
  userId: Id,
  kind: CreationKind,
  once: Once,
): Promise<Id | undefined> {
  const item = await table.get(keys.once(userId, once.key));
  const row = item && parseRow("idempotency_keys", item);
  if (!row || row.deleted) return undefined;
  if (row.kind !== kind || !row.fingerprint.equals(once.fingerprint)) throw errors.keyReused();
  return row.result_id;
}
