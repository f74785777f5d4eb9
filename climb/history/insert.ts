import { readFile, rename, writeFile } from "node:fs/promises";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { Passwords } from "../../app/domain/passwords.ts";
import { firstVersion } from "../../app/domain/version.ts";
import { tableOf } from "../../app/store/dynamodb/items.ts";
import { type ChangedRow, makeRowKey } from "../../app/store/mysql/row-keys.ts";
import type { DatabaseAddress } from "../traffic/check.ts";
import { password } from "../traffic/person.ts";
import { makeHistory, type TableRows } from "./history.ts";

export interface InsertOptions {
  /** The service's database, with its schema, as its administrator. */
  readonly database: DatabaseAddress;
  /** As `HistoryOptions` has it; 0 for none. */
  readonly scale: number;
  /** File that says which history the database has. */
  readonly file: string;
}

/** What the file says. An interrupted history is completed by the same scale and password, whatever is asked for then. */
interface Noted {
  readonly scale: number;
  readonly passwordHash: string;
  readonly complete: boolean;
}

/** Rows of one statement and one transaction: what is inserted does not hold up the service for longer than that. */
const batchSize = 500;

/**
 * Gives the database a past, unless it has one already. What was begun and interrupted is completed.
 *
 * @returns how many rows were inserted, by now or before
 */
export async function insertHistory({ database, scale, file }: InsertOptions): Promise<number> {
  const noted = await read(file);
  if (noted?.complete || (!noted && scale === 0)) return 0;
  const passwordHash = noted?.passwordHash ?? (await new Passwords().hash(password));
  const chosen = { scale: noted?.scale ?? scale, passwordHash };
  await write(file, { ...chosen, complete: false });
  const connection = await createConnection({ ...database, supportBigNumbers: true, bigNumberStrings: true });
  try {
    await connection.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    const [rows] = await connection.query<RowDataPacket[]>("SELECT epoch FROM control WHERE id = 1");
    const first = firstVersion(BigInt(rows[0]?.epoch));
    let inserted = 0;
    for (const table of makeHistory({ ...chosen, first })) {
      for (let at = 0; at < table.rows.length; at += batchSize)
        await insert(connection, { ...table, rows: table.rows.slice(at, at + batchSize) });
      inserted += table.rows.length;
    }
    await write(file, { ...chosen, complete: true });
    return inserted;
  } finally {
    await connection.end();
  }
}

/** One transaction, by the rules that all writers keep to: the control row first, and the outbox while that says so. */
async function insert(connection: Connection, { table, columns, rows }: TableRows): Promise<void> {
  await connection.query("START TRANSACTION");
  const [[control]] = await connection.query<RowDataPacket[]>(
    "SELECT record, outbox FROM control WHERE id = 1 LOCK IN SHARE MODE",
  );
  if (control?.record !== "mysql")
    throw new Error(`The history belongs into MySQL, and the record is ${control?.record}: start without --history`);
  // Rows of an interrupted attempt are there already, as they are to be or as people have changed them since.
  const [key] = columns;
  await connection.query(
    `INSERT INTO ${table} (${columns.join(", ")}) VALUES ? ON DUPLICATE KEY UPDATE ${key} = ${table}.${key}`,
    [rows],
  );
  if (control.outbox === 1) {
    const width = tableOf(table).primaryKey.length;
    const changed = rows.map((row) => makeRowKey([table, ...row.slice(0, width)] as unknown as ChangedRow));
    await connection.query("INSERT INTO outbox (changed, written_at, due_at) VALUES (?, ?, 0)", [
      JSON.stringify(changed),
      Date.now() * 1000,
    ]);
  }
  await connection.query("COMMIT");
}

async function read(file: string): Promise<Noted | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Noted);
}

async function write(file: string, noted: Noted): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(noted));
  await rename(`${file}.new`, file);
}
