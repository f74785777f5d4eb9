import { errors } from "../../domain/errors.ts";
import type { Id, Micros, Once } from "../store.ts";
import type { Database, Row, Transaction } from "./database.ts";

/** What is created with a key. */
export type CreationKind = "user" | "post";

/** Notes, in the transaction that creates something, what was created with the key. Fails on a key used before. */
export async function noteCreation(
  transaction: Transaction,
  created: { userId: Id; kind: CreationKind; resultId: Id; at: Micros },
  once: Once,
): Promise<void> {
  await transaction.change(
    ["idempotency_keys", BigInt(created.userId), once.key],
    `INSERT INTO idempotency_keys (user_id, key_hash, kind, fingerprint, result_id, created_at, version)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
    [
      BigInt(created.userId),
      once.key,
      created.kind,
      once.fingerprint,
      BigInt(created.resultId),
      created.at,
      transaction.first,
    ],
  );
}

/**
 * The id of what the user created with this key; undefined when the key is new.
 *
 * @throws AppError `idempotency_key_reused` when it came with another request
 */
export async function findCreation(
  database: Pick<Database, "read">,
  userId: Id,
  kind: CreationKind,
  once: Once,
): Promise<Id | undefined> {
  const [row] = await database.read(
    "SELECT kind, fingerprint, result_id FROM idempotency_keys WHERE user_id = ? AND key_hash = ? AND deleted = 0",
    [BigInt(userId), once.key],
  );
  if (!row) return undefined;
  if (row.kind !== kind || !isSame(row, once)) throw errors.keyReused();
  return row.result_id as Id;
}

function isSame(row: Row, once: Once): boolean {
  return (row.fingerprint as Buffer).equals(once.fingerprint);
}
