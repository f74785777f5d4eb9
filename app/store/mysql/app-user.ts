import { randomBytes } from "node:crypto";
import type { Connection, RowDataPacket } from "mysql2/promise";
import type { Credentials, Secrets } from "../../aws/secrets.ts";

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
  { database, secrets, secretId }: { database: string; secrets: Pick<Secrets, "read" | "write">; secretId: string },
): Promise<void> {
  let credentials = await secrets.read(secretId);
  if (!credentials) {
    credentials = { username: appUserName, password: makePassword() };
    await secrets.write(secretId, credentials);
  }
  const user = `${admin.escape(credentials.username)}@'%'`;
  await setPassword(admin, user, credentials);
  await setGrants(admin, user, database);
}

async function setPassword(admin: Connection, user: string, { username, password }: Credentials): Promise<void> {
  const login = `${user} IDENTIFIED BY ${admin.escape(password)}`;
  try {
    await admin.query(`CREATE USER IF NOT EXISTS ${login}`);
    await admin.query(`ALTER USER ${login}`);
  } catch (error) {
    // The driver's error carries the statement, and so the password, which has no place in a log.
    const { code } = error as { code?: string };
    throw Object.assign(new Error(`The database user ${username} could not be given its password: ${code}`), { code });
  }
}

async function setGrants(admin: Connection, user: string, database: string): Promise<void> {
  // In a grant an underscore would stand for any character.
  const scope = `\`${database.replaceAll("`", "``").replaceAll("_", "\\_")}\`.*`;
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

/** 43 characters of every kind that password policies ask for. */
function makePassword(): string {
  return `${randomBytes(30).toString("base64url")}aA1`;
}
