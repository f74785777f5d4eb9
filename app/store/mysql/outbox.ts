import type { Database, Transaction } from "./database.ts";

/** What one transaction changed, as it stands in the outbox. */
export interface OutboxEntry {
  readonly id: bigint;
  /** Keys of the rows, as `makeRowKey` makes them. */
  readonly changed: readonly string[];
}

/** What has become of an entry. */
export const states = {
  /** To be written, or being written until its lease ends. */
  waiting: 0,
  /** Its rows, as they were or newer, are in the other store. */
  done: 1,
  /** It can't be written; a dead letter says why. Tried again now and then. */
  setAside: 2,
} as const;

/** The database's clock in microseconds: one clock for all servers. */
export const nowMicros = "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS UNSIGNED)";

/**
 * Milliseconds that a server has for writing an entry to the other store before the batch writer comes for it: many
 * times what it takes when all is well.
 */
export const serverLease = 2000;

/**
 * Writes down which rows the transaction has changed; nothing when there are none.
 *
 * @param isServed whether this server is going to write them to the other store itself
 */
export async function noteChanges(transaction: Transaction, isServed: boolean): Promise<OutboxEntry | undefined> {
  const { changed } = transaction;
  if (changed.length === 0) return undefined;
  const { insertId } = await transaction.changeUnversioned(
    `INSERT INTO outbox (changed, written_at, due_at) VALUES (?, ${nowMicros}, ${nowMicros} + ?)`,
    [JSON.stringify(changed), isServed ? serverLease * 1000 : 0],
  );
  return { id: BigInt(insertId), changed };
}

/** Marks entries as done. */
export async function markDone(database: Pick<Database, "execute">, ids: readonly bigint[]): Promise<void> {
  if (ids.length === 0) return;
  const padded = repeated(ids);
  await database.execute(
    `UPDATE outbox ${byNumber} SET state = ${states.done} WHERE id IN (${padded.map(() => "?").join(", ")})`,
    padded,
  );
}

/**
 * For changes of entries by their numbers: in a small table the database would rather look at every row, and so wait for
 * writes that are still open.
 */
export const byNumber = "FORCE INDEX (PRIMARY)";

/** The list with its last element repeated to a power of two, so that there are few different statements to keep prepared. */
export function repeated<T>(list: readonly T[]): T[] {
  const size = 2 ** Math.ceil(Math.log2(list.length));
  return Array.from({ length: size }, (_, index) => list[Math.min(index, list.length - 1)] as T);
}
