import { type Connection, type ConnectionOptions, createConnection } from "mysql2/promise";
import type { Credentials } from "../../aws/secrets.ts";

/** Where the database is. */
export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Whether to use TLS, checked against Amazon's certificate authorities for RDS. */
  readonly tls: boolean;
}

/** Milliseconds for a connection to be made: longer than any handshake, shorter than anybody's patience. */
const connectTimeout = 5_000;

/** What every connection has in common. */
export function connectionOptions(address: DatabaseAddress, { username, password }: Credentials): ConnectionOptions {
  return {
    host: address.host,
    port: address.port,
    user: username,
    password,
    ...(address.tls ? { ssl: "Amazon RDS" } : {}),
    charset: "utf8mb4_bin",
    // 64-bit integers as strings: as numbers, ids would lose their last digits.
    supportBigNumbers: true,
    bigNumberStrings: true,
    // The server then counts rows it changed, not rows it found: that is how a repeated like is told from a new one.
    flags: ["-FOUND_ROWS"],
    enableKeepAlive: true,
    connectTimeout,
  };
}

/** A connection of the administrator, in the database, which is made when it isn't there. */
export async function connectAsAdmin(address: DatabaseAddress, credentials: Credentials): Promise<Connection> {
  const admin = await createConnection(connectionOptions(address, credentials));
  try {
    const name = admin.escapeId(address.database);
    await admin.query(`CREATE DATABASE IF NOT EXISTS ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
    await admin.query(`USE ${name}`);
    return admin;
  } catch (error) {
    admin.destroy();
    throw error;
  }
}

/**
 * Runs the work while no other server runs its own under the same lock. The lock belongs to the connection: when this
 * process or its connection dies, the next in line gets it.
 *
 * @throws when the lock is not free within `timeout` seconds
 */
export async function withLock<T>(
  admin: Connection,
  name: string,
  timeout: number,
  work: () => Promise<T>,
): Promise<T> {
  // Lock names are of the whole server and at most 64 characters long.
  const lock = name.slice(-64);
  const [rows] = await admin.query<never[]>("SELECT CAST(GET_LOCK(?, ?) AS CHAR) AS got", [lock, timeout]);
  if ((rows as { got: string | null }[])[0]?.got !== "1")
    throw new Error(`The lock ${lock} was not free within ${timeout} s: another server is still changing the schema`);
  try {
    return await work();
  } finally {
    await admin.query("DO RELEASE_LOCK(?)", [lock]).catch(() => {}); // a dead connection has released it already
  }
}
