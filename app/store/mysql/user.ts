import { randomBytes } from "node:crypto";
import type { Connection } from "mysql2/promise";
import type { Credentials, Secrets } from "../../aws/secrets.ts";

export interface UserOptions {
  /** Name of the database user, where its secret names none yet. */
  readonly name: string;
  readonly secrets: Pick<Secrets, "read" | "write">;
  /** Secret that holds the user's login. */
  readonly secretId: string;
}

/**
 * Sees to it that a database user exists with the password that its secret holds; makes the password where there is none.
 * Safe to be cut short anywhere: the secret comes first, the user follows it the next time.
 *
 * @returns the user as statements name it
 */
export async function ensureLogin(admin: Connection, { name, secrets, secretId }: UserOptions): Promise<string> {
  let credentials = await secrets.read(secretId);
  if (!credentials) {
    credentials = { username: name, password: makePassword() };
    await secrets.write(secretId, credentials);
  }
  const user = `${admin.escape(credentials.username)}@'%'`;
  await setPassword(admin, user, credentials);
  return user;
}

/** All tables of a database, as a grant names them: there an underscore would stand for any character. */
export function everyTableOf(database: string): string {
  return `\`${database.replaceAll("`", "``").replaceAll("_", "\\_")}\`.*`;
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

/** 43 characters of every kind that password policies ask for. */
function makePassword(): string {
  return `${randomBytes(30).toString("base64url")}aA1`;
}
