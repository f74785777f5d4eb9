import type { Connection, RowDataPacket } from "mysql2/promise";
import { ensureLogin, everyTableOf, type UserOptions } from "./user.ts";

/** Name of the database user that servers work as. */
const appUserName = "chirp_app";

/** All that servers may do: nothing that removes a row, nothing that changes the schema. */
const privileges = "SELECT, INSERT, UPDATE";

/**
 * Sees to it that the servers' database user exists with the password that its secret holds, and may do what it must
 * and nothing more; makes the password where there is none. Safe to be cut short anywhere: the secret comes first, the
 * user follows it at the next start. The caller holds the lock.
 */
export async function ensureAppUser(
  admin: Connection,
  { database, ...options }: Omit<UserOptions, "name"> & { readonly database: string },
): Promise<void> {
  const user = await ensureLogin(admin, { ...options, name: appUserName });
  await setGrants(admin, user, database);
}

async function setGrants(admin: Connection, user: string, database: string): Promise<void> {
  const scope = everyTableOf(database);
  // Granting what is granted changes nothing, so running servers never miss a right.
  await admin.query(`GRANT ${privileges} ON ${scope} TO ${user}`);
  const grants = await showGrants(admin, user);
  const expected = (grant: string) =>
    grant.startsWith("GRANT USAGE ON *.* TO ") || grant.startsWith(`GRANT ${privileges} ON ${scope} TO `);
  if (grants.every((grant) => expected(grant) && !grant.includes("WITH GRANT OPTION"))) return;
  await admin.query(`REVOKE ALL PRIVILEGES, GRANT OPTION FROM ${user}`);
  await admin.query(`GRANT ${privileges} ON ${scope} TO ${user}`);
}

async function showGrants(admin: Connection, user: string): Promise<string[]> {
  const [rows] = await admin.query<RowDataPacket[]>(`SHOW GRANTS FOR ${user}`);
  return rows.map((row) => String(Object.values(row)[0]));
}
