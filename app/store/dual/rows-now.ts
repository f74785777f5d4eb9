import { type TableName, tableOf } from "../dynamodb/items.ts";
import { itemsOf, readRow, rowKey } from "../dynamodb/mapping.ts";
import type { MappedRow } from "../../migration/model.ts";
import type { Row, Value } from "../mysql/database.ts";
import { repeated } from "../mysql/outbox.ts";
import { type KeyPart, makeRowKey, parseRowKey } from "../mysql/row-keys.ts";

/** Rows of one statement: each is a comparison of its own. */
const batch = 32;

/**
 * Rows as they are now, by their keys, with the items that they become; for a row or a key that nothing can be made of,
 * the error that says why. A row that is not there is left out.
 */
export async function readNow(
  read: (sql: string, values: Value[]) => Promise<Row[]>,
  keys: Iterable<string>,
): Promise<Map<string, MappedRow | Error>> {
  const found = new Map<string, MappedRow | Error>();
  const wanted = new Map<TableName, KeyPart[][]>();
  for (const key of new Set(keys)) {
    try {
      const [table, ...parts] = parseRowKey(key);
      wanted.set(table, [...(wanted.get(table) ?? []), parts]);
    } catch (error) {
      found.set(key, error as Error);
    }
  }
  for (const [table, all] of wanted)
    for (let start = 0; start < all.length; start += batch)
      for (const raw of await select(read, table, all.slice(start, start + batch))) {
        const key = makeRowKey([table, ...keyOf(table, raw)]);
        found.set(key, mapped(table, raw));
      }
  return found;
}

function select(
  read: (sql: string, values: Value[]) => Promise<Row[]>,
  table: TableName,
  keys: KeyPart[][],
): Promise<Row[]> {
  const isRow = `(${tableOf(table)
    .primaryKey.map((column) => `${column} = ?`)
    .join(" AND ")})`;
  const padded = repeated(keys);
  return read(`SELECT * FROM ${table} WHERE ${padded.map(() => isRow).join(" OR ")}`, padded.flat());
}

function keyOf(table: TableName, raw: Row): KeyPart[] {
  return tableOf(table).primaryKey.map((column) => {
    const value = raw[column];
    return Buffer.isBuffer(value) ? value : BigInt(value as string);
  });
}

function mapped(table: TableName, raw: Row): MappedRow | Error {
  try {
    const row = readRow(table, raw);
    return { table, key: rowKey(table, row), version: row.version, items: itemsOf(table, row) };
  } catch (error) {
    return error as Error;
  }
}
