import { Position } from "./position.ts";

/** Runs a statement and gives its rows. */
export type Ask = (sql: string) => Promise<Record<string, unknown>[]>;

/** What kind of server it is; they name things differently. */
export type Flavour = "mysql" | "mariadb";

export interface ServerFacts {
  readonly flavour: Flavour;
  /** As the server gives it, such as `8.4.6` or `10.11.14-MariaDB-log`. */
  readonly version: string;
  /** Equal for as long as positions in its binlog mean the same. */
  readonly identity: string;
}

/** Asks through a connection of mysql2. */
export function askingBy(connection: { query(sql: string): Promise<[unknown, ...unknown[]]> }): Ask {
  return async (sql) => (await connection.query(sql))[0] as Record<string, unknown>[];
}

/** Global variables by their names; those that this server doesn't have are absent. */
export async function variables(ask: Ask, names: readonly string[]): Promise<Record<string, string | undefined>> {
  const list = names.map((name) => `'${name}'`).join(", ");
  const rows = await ask(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${list})`);
  return Object.fromEntries(rows.map(({ Variable_name: name, Value: value }) => [String(name), String(value)]));
}

/**
 * Which server this is. MySQL keeps a UUID beside its data. MariaDB has none; it has a hash of the machine and the port
 * (`server_uid`), which is joined with the configured number, so that a copy that was restored elsewhere differs.
 */
export async function identify(ask: Ask): Promise<ServerFacts> {
  const names = ["version", "server_uuid", "server_uid", "server_id", "hostname", "port"];
  const { version = "", ...known } = await variables(ask, names);
  const flavour = /mariadb/i.test(version) ? "mariadb" : "mysql";
  const identity = known.server_uuid ?? `${known.server_id}/${known.server_uid ?? `${known.hostname}:${known.port}`}`;
  return { flavour, version, identity: `${flavour}/${identity}` };
}

/**
 * The end of the server's binlog as of now: whatever is committed later comes after it.
 *
 * @throws Error when the server writes no binlog
 */
export async function currentPosition(ask: Ask): Promise<Position> {
  const facts = await identify(ask);
  const { identity: server } = facts;
  const status = await binlogStatus(ask, facts);
  if (!status) throw new Error("The database writes no binlog: nothing could be followed from here on");
  return new Position({ server, file: String(status.File), offset: BigInt(String(status.Position)) });
}

/** The row that tells where the binlog ends and what is left out of it; undefined when there is none. */
export async function binlogStatus(
  ask: Ask,
  { flavour, version }: ServerFacts,
): Promise<Record<string, unknown> | undefined> {
  const [status] = await ask(flavour === "mysql" && isNewer(version) ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS");
  return status;
}

/** Since MySQL 8.2 the statement has another name; 8.4 no longer knows the old one. */
function isNewer(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 8 || (major === 8 && minor >= 2);
}

/** The server's binlog files and their sizes in bytes, oldest first. */
export async function binlogFiles(ask: Ask): Promise<{ file: string; size: bigint }[]> {
  const rows = await ask("SHOW BINARY LOGS");
  return rows.map((row) => ({ file: String(row.Log_name), size: BigInt(String(row.File_size)) }));
}

/**
 * Hours for which the server keeps its binlog; null when it removes nothing by itself.
 *
 * On RDS that is a setting of its own, which prevails over the server's variables; unset, files go as soon as they are
 * backed up.
 */
export async function retentionHours(ask: Ask): Promise<number | null> {
  const onRds = await rdsRetention(ask);
  if (onRds !== undefined) return onRds;
  const { binlog_expire_logs_seconds: seconds, expire_logs_days: days } = await variables(ask, [
    "binlog_expire_logs_seconds",
    "expire_logs_days",
  ]);
  const hours = Number(seconds ?? 0) / 3600 || Number(days ?? 0) * 24;
  return hours || null;
}

/** Undefined where there is no RDS around the server. */
async function rdsRetention(ask: Ask): Promise<number | undefined> {
  try {
    const [row] = await ask("SELECT value FROM mysql.rds_configuration WHERE name = 'binlog retention hours'");
    return row && Number(row.value ?? 0);
  } catch (error) {
    const { code } = error as { code?: string };
    // No such table, or (to users other than the administrator) nothing to see: then the server's variables count.
    if (code === "ER_NO_SUCH_TABLE" || code === "ER_TABLEACCESS_DENIED_ERROR" || code === "ER_NO_SUCH_DB")
      return undefined;
    throw error;
  }
}
