import { type TableName, tableOf } from "../store/dynamodb/items.ts";
import { itemsOf, readRow, rowKey } from "../store/dynamodb/mapping.ts";
import { type KeyPart, makeRowKey, parseRowKey } from "../store/mysql/row-keys.ts";
import type { MappedRow } from "./model.ts";
import type { Source, SourceRow } from "./source.ts";

/** A row that was read, and what it becomes, or why it can't become anything. */
export interface ReadRow {
  readonly key: string;
  readonly mapped: MappedRow | Error;
}

/** A stretch of a table by the first column of its primary key. */
export interface Segment {
  readonly table: TableName;
  /** Its place among its table's. */
  readonly index: number;
  /** First value, itself included; from the very first without it. */
  readonly from?: bigint;
  /** First value that is not in it any more; to the very last without it. */
  readonly to?: bigint;
}

/** Rows of one statement that finds them by their keys. */
const keysPerStatement = 100;

/**
 * The next rows of a segment in the order of their keys.
 *
 * @param after key of the row after which they begin
 */
export async function nextRows(
  source: Pick<Source, "rows">,
  { table, from, to }: Segment,
  after: string | undefined,
  limit: number,
): Promise<ReadRow[]> {
  const { primaryKey } = tableOf(table);
  const [first] = primaryKey as [string];
  const conditions: string[] = [];
  const values: KeyPart[] = [];
  const add = (condition: string, ...more: KeyPart[]) => {
    conditions.push(condition);
    values.push(...more);
  };
  if (to !== undefined) add(`${first} < ?`, to);
  if (after === undefined) {
    if (from !== undefined) add(`${first} >= ?`, from);
  } else {
    const [, ...parts] = parseRowKey(after);
    // (a > 1) OR (a = 1 AND b > 2): a range of the primary key that both MySQL and MariaDB know how to use.
    const later = primaryKey.map((column, index) =>
      [...primaryKey.slice(0, index).map((equal) => `${equal} = ?`), `${column} > ?`].join(" AND "),
    );
    add(`(${later.map((one) => `(${one})`).join(" OR ")})`, ...parts.flatMap((_, index) => parts.slice(0, index + 1)));
  }
  const where = conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "";
  const sql = `SELECT * FROM ${table} ${where} ORDER BY ${primaryKey.join(", ")} LIMIT ${limit}`;
  return (await source.rows(sql, values)).map((raw) => read(table, raw));
}

/** Rows as they are now, by their keys; those that are not there are left out. */
export async function rowsByKey(source: Pick<Source, "rows">, keys: Iterable<string>): Promise<Map<string, ReadRow>> {
  const byTable = new Map<TableName, KeyPart[][]>();
  for (const key of new Set(keys)) {
    const [table, ...parts] = parseRowKey(key);
    const all = byTable.get(table);
    if (all) all.push(parts);
    else byTable.set(table, [parts]);
  }
  const found = new Map<string, ReadRow>();
  const statements = [...byTable].flatMap(([table, all]) =>
    Array.from({ length: Math.ceil(all.length / keysPerStatement) }, (_, index) => ({
      table,
      keys: all.slice(index * keysPerStatement, (index + 1) * keysPerStatement),
    })),
  );
  await Promise.all(
    statements.map(async ({ table, keys: parts }) => {
      const { primaryKey } = tableOf(table);
      const isRow = `(${primaryKey.map((column) => `${column} = ?`).join(" AND ")})`;
      const where = parts.map(() => isRow).join(" OR ");
      for (const raw of await source.rows(`SELECT * FROM ${table} WHERE ${where}`, parts.flat())) {
        const row = read(table, raw);
        found.set(row.key, row);
      }
    }),
  );
  return found;
}

/** A row with its items. Its key can be read whatever else is wrong with it. */
export function read(table: TableName, raw: SourceRow): ReadRow {
  try {
    const row = readRow(table, raw);
    const key = rowKey(table, row);
    return { key, mapped: { table, key, version: row.version, items: itemsOf(table, row) } };
  } catch (error) {
    const { primaryKey } = tableOf(table);
    const parts = primaryKey.map((column) => {
      const value = raw[column];
      return Buffer.isBuffer(value) ? value : BigInt(value as string);
    });
    return { key: makeRowKey([table, ...parts]), mapped: error as Error };
  }
}
