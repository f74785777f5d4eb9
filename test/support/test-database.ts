import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, createConnection } from "mysql2/promise";
import type { Credentials } from "../../app/aws/secrets.ts";
import type { DatabaseAddress } from "../../app/store/mysql/login.ts";
import { type Database, startDatabase } from "../../local/parts/database.ts";

/** A database of a suite's own on the server that all suites of this run share. */
export interface TestDatabase {
  readonly address: DatabaseAddress;
  readonly admin: Credentials;
  /** A connection of the administrator in this database, ended after the last suite; 64-bit integers are strings. */
  connect(): Promise<Connection>;
}

let running: { server: Promise<Database>; folder: string } | undefined;
const connections: Connection[] = [];

/** The server, started when the first suite needs it and stopped after the last. */
function sharedServer(): Promise<Database> {
  if (!running) {
    const folder = mkdtempSync(join(tmpdir(), "chirp-test-database-"));
    running = { server: startDatabase({ dir: folder }), folder };
  }
  return running.server;
}

// In the root suite, whichever file imports this first.
after(async function stopSharedServer() {
  this.timeout(30_000);
  if (!running) return;
  for (const connection of connections) await connection.end();
  await (await running.server).stop();
  rmSync(running.folder, { recursive: true, force: true, maxRetries: 3 });
});

/** A new, empty database. */
export async function testDatabase(): Promise<TestDatabase> {
  const { host, port, user, password } = await sharedServer();
  const database = `chirp_${randomBytes(6).toString("hex")}`;
  const open = async (name?: string) => {
    const connection = await createConnection({
      host,
      port,
      user,
      password,
      ...(name ? { database: name } : {}),
      supportBigNumbers: true,
      bigNumberStrings: true,
    });
    connections.push(connection);
    return connection;
  };
  const admin = await open();
  await admin.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
  return {
    address: { host, port, database, tls: false },
    admin: { username: user, password },
    connect: () => open(database),
  };
}
