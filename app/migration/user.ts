import type { Connection, RowDataPacket } from "mysql2/promise";
import { ensureLogin, everyTableOf, type UserOptions } from "../store/mysql/user.ts";
import type { Strategy } from "./model.ts";
import { rightsFor } from "./preflight/rights.ts";

/** Name of the database user that the migration's worker works as. */
const workerUserName = "chirp_migration";

/**
 * Sees to it that the worker's database user exists and may do what this strategy takes and nothing more: read rows,
 * and read the binlog or clear the outbox. Nothing else works as this user by now, so what it may is set afresh.
 */
export async function ensureWorkerUser(
  admin: Connection,
  {
    database,
    strategy,
    ...options
  }: Omit<UserOptions, "name"> & {
    readonly database: string;
    readonly strategy: Strategy;
  },
): Promise<void> {
  const user = await ensureLogin(admin, { ...options, name: workerUserName });
  const { everywhere, onOutbox } = rightsFor(strategy);
  const [grants] = await admin.query<RowDataPacket[]>(`SHOW GRANTS FOR ${user}`);
  const isFresh = grants.every((row) => String(Object.values(row)[0]).startsWith("GRANT USAGE ON *.* "));
  if (!isFresh) await admin.query(`REVOKE ALL PRIVILEGES, GRANT OPTION FROM ${user}`);
  await admin.query(`GRANT SELECT ON ${everyTableOf(database)} TO ${user}`);
  if (everywhere.length > 0) await admin.query(`GRANT ${everywhere.join(", ")} ON *.* TO ${user}`);
  const outbox = `${admin.escapeId(database)}.outbox`;
  if (onOutbox.length > 0) await admin.query(`GRANT ${onOutbox.join(", ")} ON ${outbox} TO ${user}`);
}
