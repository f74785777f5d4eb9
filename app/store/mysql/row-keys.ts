import { type TableName, tableOf } from "../dynamodb/items.ts";
import { isMapped } from "../dynamodb/mapping.ts";

/** One column of a primary key. */
export type KeyPart = bigint | Buffer;

/** A row that a statement changes: its table, then its primary key's columns in their order. */
export type ChangedRow = readonly [table: TableName, ...key: KeyPart[]];

/**
 * A row's table and primary key as one string, the one that the mapping's `rowKey` makes of the whole row.
 *
 * @throws Error when the key does not have its table's columns
 */
export function makeRowKey([table, ...key]: ChangedRow): string {
  const { primaryKey } = tableOf(table);
  if (key.length !== primaryKey.length)
    throw new Error(`a row of ${table} is found by ${primaryKey.join(", ")}, not by ${key.length} columns`);
  return [table, ...key.map((part) => (typeof part === "bigint" ? String(part) : part.toString("hex")))].join("/");
}

/**
 * The row that a key names.
 *
 * @throws Error that says what is wrong with the key
 */
export function parseRowKey(text: string): ChangedRow {
  const [table = "", ...parts] = text.split("/");
  const refused = (reason: string) => new Error(`${JSON.stringify(text.slice(0, 200))} names no row: ${reason}`);
  if (!isMapped(table)) throw refused("rows of such a table do not migrate");
  const { columns, primaryKey } = tableOf(table);
  if (parts.length !== primaryKey.length) throw refused(`a row of ${table} is found by ${primaryKey.join(", ")}`);
  const key = primaryKey.map((column, index) => {
    const part = parts[index] as string;
    const value = /^\d{1,20}$/.test(part) ? BigInt(part) : hexadecimal(part);
    try {
      columns[column]?.read(value);
    } catch (error) {
      throw refused(`${column}: ${(error as Error).message}`);
    }
    return value as KeyPart;
  });
  return [table, ...key];
}

/** Binary columns of keys are hashes of 32 bytes: never as short as a number. */
function hexadecimal(part: string): Buffer | string {
  return /^[0-9a-f]{64}$/.test(part) ? Buffer.from(part, "hex") : part;
}

/**
 * The table that a statement changes.
 *
 * @throws Error for any but the kinds of statement that there are
 */
export function changedTable(sql: string): string {
  const table = /^\s*(?:INSERT INTO|UPDATE|DELETE)\s+(\w+)\s/.exec(sql)?.[1];
  if (table === undefined) throw new Error(`not known what this changes: ${sql}`);
  return table;
}
