import type { Database } from "../../store/mysql/database.ts";
import { byNumber, nowMicros, repeated, states } from "../../store/mysql/outbox.ts";

/** An entry of the outbox that is ours to write for a while. */
export interface ClaimedEntry {
  readonly id: bigint;
  /** Keys of the rows; undefined when they cannot be read. */
  readonly changed: readonly string[] | undefined;
  /** How often it has been claimed, this time included. */
  readonly attempts: number;
}

/** How much waits. */
export interface Backlog {
  readonly waiting: number;
  readonly oldestSeconds: number;
}

/** The database as the worker's user may use it: it updates and deletes entries of the outbox and nothing else. */
export type OutboxDatabase = Pick<Database, "read" | "execute" | "unversioned">;

/** Seconds for which a claim holds: whoever made it and died keeps nobody waiting for longer. */
const lease = 30;

/** Entries of one sweep. */
const sweepSize = 256;

/** Seconds between two tries of an entry that can't be written, doubled from one to the next. */
const shortestRetry = 2;
const longestRetry = 300;

/**
 * Takes the entries that have been due for longest, for itself alone. By their due time, never by their number: numbers
 * are given before the commit, so a lower one may appear after a higher one.
 */
export function claim(database: OutboxDatabase, limit: number): Promise<ClaimedEntry[]> {
  return database.unversioned(async (transaction) => {
    const rows = await transaction.read(
      `SELECT id, changed, attempts FROM outbox FORCE INDEX (to_do) WHERE state = ${states.waiting} AND due_at <= ${nowMicros}
       ORDER BY due_at LIMIT ? FOR UPDATE SKIP LOCKED`,
      [limit],
    );
    if (rows.length === 0) return [];
    const ids = repeated(rows.map(({ id }) => BigInt(id as string)));
    await transaction.changeUnversioned(
      `UPDATE outbox ${byNumber} SET due_at = ${nowMicros} + ?, attempts = attempts + 1 WHERE id IN (${list(ids)})`,
      [lease * 1e6, ...ids],
    );
    return rows.map(({ id, changed, attempts }) => ({
      id: BigInt(id as string),
      changed: parse(changed as string),
      attempts: Number(attempts) + 1,
    }));
  });
}

/** Forgets entries whose rows have been written, by whomever. */
export async function forget(database: OutboxDatabase, numbers: readonly bigint[]): Promise<void> {
  if (numbers.length === 0) return;
  const ids = repeated(numbers);
  // Joined in this order, for the reason of `byNumber`: a plain DELETE takes no hint, and one with a hint ignores it.
  const gone = ids.map(() => "SELECT ? AS id").join(" UNION ALL ");
  await database.execute(
    `DELETE outbox FROM (${gone}) gone STRAIGHT_JOIN outbox ${byNumber} ON outbox.id = gone.id`,
    ids,
  );
}

/** Puts an entry away that can't be written, to be tried again later. */
export async function setAside(database: OutboxDatabase, { id, attempts }: ClaimedEntry): Promise<void> {
  const pause = Math.min(shortestRetry * 2 ** (attempts - 1), longestRetry);
  await database.execute(
    `UPDATE outbox SET state = ${states.setAside}, due_at = ${nowMicros} + ? WHERE id = ? AND state <> ${states.done}`,
    [pause * 1e6, id],
  );
}

/**
 * Forgets what servers have marked as done, and takes up again what was put away for a while.
 *
 * @returns whether there may be more
 */
export async function sweep(database: OutboxDatabase): Promise<boolean> {
  const numbers = async (condition: string) => {
    const rows = await database.read(`SELECT id FROM outbox WHERE ${condition} LIMIT ?`, [sweepSize]);
    return rows.map(({ id }) => BigInt(id as string));
  };
  const done = await numbers(`state = ${states.done}`);
  await forget(database, done);
  const back = await numbers(`state = ${states.setAside} AND due_at <= ${nowMicros}`);
  if (back.length > 0) {
    const ids = repeated(back);
    const change = `UPDATE outbox ${byNumber} SET state = ${states.waiting} WHERE id IN (${list(ids)})`;
    await database.execute(change, ids);
  }
  return done.length === sweepSize;
}

export async function backlog(database: OutboxDatabase): Promise<Backlog> {
  const [row] = await database.read(
    `SELECT COUNT(*) AS waiting, CAST(${nowMicros} AS SIGNED) - CAST(MIN(written_at) AS SIGNED) AS age
     FROM outbox WHERE state = ${states.waiting}`,
  );
  return { waiting: Number(row?.waiting ?? 0), oldestSeconds: Math.max(0, Number(row?.age ?? 0) / 1e6) };
}

/** The time by the database's clock, in microseconds. */
export async function now(database: OutboxDatabase): Promise<bigint> {
  const [row] = await database.read(`SELECT ${nowMicros} AS now`);
  return BigInt(row?.now as string);
}

/** Whether an entry that was made by then still waits. */
export async function waitsSince(database: OutboxDatabase, time: bigint): Promise<boolean> {
  const rows = await database.read(`SELECT 1 FROM outbox WHERE state = ${states.waiting} AND written_at <= ? LIMIT 1`, [
    time,
  ]);
  return rows.length > 0;
}

function list(ids: readonly bigint[]): string {
  return ids.map(() => "?").join(", ");
}

function parse(changed: string): string[] | undefined {
  try {
    const keys: unknown = JSON.parse(changed);
    return Array.isArray(keys) && keys.every((key) => typeof key === "string") ? keys : undefined;
  } catch {
    return undefined;
  }
}
