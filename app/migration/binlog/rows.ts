import { Cursor } from "./cursor.ts";
import { hasExtraData } from "./events.ts";
import { type BinlogColumn, columnTypes as t, type TableMap } from "./table-map.ts";

/** A row by column: whole numbers as numbers or decimal strings, text as strings, bytes as buffers of their own. */
export type BinlogRow = Record<string, unknown>;

/** A changed row, before and after. */
export interface RowImages {
  /** Undefined for a row that was inserted. */
  readonly before: BinlogRow | undefined;
  /** Undefined for a row that was deleted. */
  readonly after: BinlogRow | undefined;
}

/** Collation of columns that hold bytes. */
const binary = 63;

/** Reads a value; undefined for types that nothing here has. */
type ReadValue = (cursor: Cursor) => unknown;

/** How a table's rows are read: worked out once per table map, as rows come by the hundred thousand. */
export interface RowReader {
  readonly names: readonly string[];
  readonly values: readonly ReadValue[];
}

/** Columns whose values cannot be read here, each with what it is. */
export class UnreadableColumns extends Error {
  constructor(columns: readonly string[]) {
    super(columns.join(", "));
    this.name = "UnreadableColumns";
  }
}

/** @throws UnreadableColumns */
export function rowReader({ columns }: TableMap): RowReader {
  const names = columns.map(({ name }, index) => name ?? String(index));
  const values = columns.map(readValueOf);
  const unreadable = names.filter((_, index) => values[index] === undefined);
  if (unreadable.length > 0)
    throw new UnreadableColumns(
      unreadable.map((name) => `${name} is of the binlog's column type ${columns[names.indexOf(name)]?.type}`),
    );
  return { names, values: values as ReadValue[] };
}

function readValueOf({ type, meta, isUnsigned, collation }: BinlogColumn): ReadValue | undefined {
  switch (type) {
    case t.tiny:
      return whole(1, isUnsigned);
    case t.short:
      return whole(2, isUnsigned);
    case t.int24:
      return whole(3, isUnsigned);
    case t.long:
      return whole(4, isUnsigned);
    case t.longLong:
      return isUnsigned ? (cursor) => cursor.unsigned64() : (cursor) => String(BigInt.asIntN(64, cursor.bigint()));
    case t.varchar:
    case t.varString:
    case t.string:
      return characters(meta > 255 ? 2 : 1, collation === binary);
    case t.blob:
      return characters(meta, collation === binary);
    default:
      return undefined;
  }
}

function whole(length: number, isUnsigned: boolean): ReadValue {
  return isUnsigned ? (cursor) => cursor.number(length) : (cursor) => cursor.signed(length);
}

function characters(lengthBytes: number, isBinary: boolean): ReadValue {
  // Bytes are copied: a part of the connection's buffer would keep all of it in memory.
  if (isBinary) return (cursor) => Buffer.from(cursor.slice(cursor.number(lengthBytes)));
  return (cursor) => cursor.text(cursor.number(lengthBytes));
}

/** A rows event leaves out columns of its rows. */
export class PartialRows extends Error {}

/**
 * The rows of a rows event.
 *
 * @throws PartialRows
 * @throws RangeError when it does not hold together, or does not belong to the table map
 */
export function readRows(
  type: number,
  kind: "insert" | "update" | "delete",
  body: Buffer,
  reader: RowReader,
): RowImages[] {
  const cursor = new Cursor(body, 8);
  if (hasExtraData.has(type)) cursor.slice(cursor.number(2) - 2);
  const columns = cursor.packed();
  if (columns !== reader.names.length)
    throw new RangeError(`its rows have ${columns} columns, and the table ${reader.names.length}`);
  for (let image = 0; image < (kind === "update" ? 2 : 1); image++) {
    const present = cursor.slice((columns + 7) >> 3);
    if (!isFull(present, columns)) throw new PartialRows();
  }
  const rows: RowImages[] = [];
  while (!cursor.isAtEnd) {
    const row = readRow(cursor, reader);
    if (kind === "insert") rows.push({ before: undefined, after: row });
    else if (kind === "delete") rows.push({ before: row, after: undefined });
    else rows.push({ before: row, after: readRow(cursor, reader) });
  }
  return rows;
}

function isFull(bits: Buffer, columns: number): boolean {
  for (let column = 0; column < columns; column++)
    if (((bits.readUInt8(column >> 3) >> (column & 7)) & 1) === 0) return false;
  return true;
}

function readRow(cursor: Cursor, { names, values }: RowReader): BinlogRow {
  // Looked at where it is: a buffer of its own for each row takes longer than the row.
  const [{ bytes }, nulls] = [cursor, cursor.offset];
  cursor.offset += (names.length + 7) >> 3;
  const row: BinlogRow = {};
  for (let column = 0; column < names.length; column++) {
    const isNull = ((bytes.readUInt8(nulls + (column >> 3)) >> (column & 7)) & 1) === 1;
    row[names[column] as string] = isNull ? null : (values[column] as ReadValue)(cursor);
  }
  return row;
}
