import { join } from "node:path";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import type { Database } from "../database.ts";
import type { Manifest, TableDump } from "./manifest.ts";

type Row = RowDataPacket & Record<string, string>;

/** Schemas that every server has of its own. */
const ownSchemas = ["information_schema", "mysql", "performance_schema", "sys"];

/** Users that every server has of its own. */
const ownUsers = ["", "PUBLIC", "mariadb.sys", "mysql", "root"];

/** A connection of the operator, who may read and write files of the server's machine. */
export async function operate(database: Database): Promise<Connection> {
  const { host, port, operator } = database;
  if (!operator)
    throw new Error(
      "CHIRP_DATABASE_URL names a server of somebody else's: no snapshot can be taken of it or restored into it",
    );
  const connection = await createConnection({ host, port, ...operator });
  // Times are written as numbers of one zone, and zeros as they are.
  await connection.query("SET time_zone = '+00:00', sql_mode = 'NO_AUTO_VALUE_ON_ZERO'");
  return connection;
}

/**
 * Writes everything that a running server holds at one moment to a folder, while writes go on.
 *
 * One transaction sees the moment; the server itself writes the rows to files, each value with the bytes that it has,
 * so neither time nor memory is spent on them here.
 *
 * @throws when there is something that could not be brought back whole: other engines, views, routines, odd types
 */
export async function takeSnapshot(database: Database, folder: string): Promise<Required<Manifest>["content"]> {
  const connection = await operate(database);
  try {
    await connection.query("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    await connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT");
    await refuseUnknown(connection);
    const schemas = await schemasOf(connection);
    const tables: TableDump[] = [];
    for (const [schema] of schemas)
      for (const name of await tablesOf(connection, schema))
        tables.push(await dump(connection, schema, name, join(folder, `table-${tables.length}`)));
    const accounts = await accountsOf(connection, [...ownUsers, database.user, database.operator?.user ?? ""]);
    return { schemas: schemas.map(([, create]) => create), tables, accounts };
  } finally {
    connection.destroy();
  }
}

async function rows(connection: Connection, sql: string, values: unknown[] = []): Promise<Row[]> {
  return (await connection.query<Row[]>(sql, values))[0];
}

/** What the statements below would leave out, they refuse: a copy that lacks something is worse than none. */
async function refuseUnknown(connection: Connection): Promise<void> {
  const found = await rows(
    connection,
    `SELECT CONCAT(LOWER(table_type), ' ', table_schema, '.', table_name) what FROM information_schema.tables
       WHERE table_schema NOT IN (?) AND (table_type <> 'BASE TABLE' OR engine <> 'InnoDB')
     UNION ALL SELECT CONCAT('routine ', routine_schema, '.', routine_name) FROM information_schema.routines
       WHERE routine_schema NOT IN (?)
     UNION ALL SELECT CONCAT('trigger ', trigger_schema, '.', trigger_name) FROM information_schema.triggers
       WHERE trigger_schema NOT IN (?)
     UNION ALL SELECT CONCAT('event ', event_schema, '.', event_name) FROM information_schema.events
       WHERE event_schema NOT IN (?)
     UNION ALL SELECT CONCAT(data_type, ' column ', table_schema, '.', table_name, '.', column_name)
       FROM information_schema.columns WHERE table_schema NOT IN (?)
       AND data_type IN ('bit', 'geometry', 'point', 'linestring', 'polygon', 'multipoint', 'multilinestring',
         'multipolygon', 'geometrycollection')`,
    Array.from({ length: 5 }, () => ownSchemas),
  );
  if (found.length > 0)
    throw new Error(
      `snapshots on this machine hold InnoDB tables and users only, not ${found.map(({ what }) => what).join(", ")}`,
    );
}

/** Names of the schemas, and the statements that make them. */
async function schemasOf(connection: Connection): Promise<[name: string, create: string][]> {
  const found = await rows(
    connection,
    "SELECT schema_name name FROM information_schema.schemata WHERE schema_name NOT IN (?) ORDER BY schema_name",
    [ownSchemas],
  );
  const names = found.map(({ name }) => name as string);
  const statements: [string, string][] = [];
  for (const name of names) {
    const [shown] = await rows(connection, "SHOW CREATE DATABASE ??", [name]);
    statements.push([name, shown?.["Create Database"] as string]);
  }
  return statements;
}

async function tablesOf(connection: Connection, schema: string): Promise<string[]> {
  const found = await rows(
    connection,
    "SELECT table_name name FROM information_schema.tables WHERE table_schema = ? ORDER BY table_name",
    [schema],
  );
  return found.map(({ name }) => name as string);
}

async function dump(connection: Connection, schema: string, name: string, file: string): Promise<TableDump> {
  const [shown] = await rows(connection, "SHOW CREATE TABLE ??.??", [schema, name]);
  const found = await rows(
    connection,
    `SELECT column_name name, data_type type FROM information_schema.columns
       WHERE table_schema = ? AND table_name = ? AND is_generated = 'NEVER' ORDER BY ordinal_position`,
    [schema, name],
  );
  const columns = found.map((column) => column.name as string);
  // A FLOAT is shown with six digits; as a DOUBLE it is shown with all that it has.
  const values = found.map(({ name, type }) =>
    connection.format(type === "float" ? "CAST(?? AS DOUBLE)" : "??", [name]),
  );
  await connection.query(`SELECT ${values.join(", ")} FROM ??.?? INTO OUTFILE ? CHARACTER SET binary`, [
    schema,
    name,
    file,
  ]);
  return { schema, name, create: shown?.["Create Table"] as string, columns, file };
}

async function accountsOf(connection: Connection, others: readonly string[]): Promise<string[]> {
  const found = await rows(
    connection,
    "SELECT user `user`, host `host` FROM mysql.user WHERE user NOT IN (?) AND is_role = 'N' ORDER BY user, host",
    [others],
  );
  const statements: string[] = [];
  for (const { user, host } of found) {
    const shown = [
      ...(await rows(connection, "SHOW CREATE USER ?@?", [user, host])),
      ...(await rows(connection, "SHOW GRANTS FOR ?@?", [user, host])),
    ];
    statements.push(...shown.map((row) => Object.values(row)[0] as string));
  }
  return statements;
}
