import { Cursor } from "./cursor.ts";

/** A column as the binlog describes it. */
export interface BinlogColumn {
  /** Undefined where the server leaves names out: `binlog_row_metadata` is not FULL. */
  readonly name: string | undefined;
  /** The protocol's number of its type. */
  readonly type: number;
  /** What the type needs to be read: a length, for all that are read here. */
  readonly meta: number;
  readonly isUnsigned: boolean;
  /** Of text that it has: 63 is no text but bytes. Undefined where the server leaves it out. */
  readonly collation: number | undefined;
}

/** A table as the binlog describes it, before rows of it. */
export interface TableMap {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly BinlogColumn[];
}

/** Numbers of column types, as far as they matter here. */
export const columnTypes = {
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  longLong: 8,
  int24: 9,
  varchar: 15,
  bit: 16,
  timestamp2: 17,
  dateTime2: 18,
  time2: 19,
  vector: 242,
  json: 245,
  newDecimal: 246,
  enum: 247,
  set: 248,
  blob: 252,
  varString: 253,
  string: 254,
  geometry: 255,
} as const;

const t = columnTypes;

/** Bytes of what a table map says of a column besides its type. */
const metaLength = new Map<number, 1 | 2>([
  [t.float, 1],
  [t.double, 1],
  [t.varchar, 2],
  [t.bit, 2],
  [t.timestamp2, 1],
  [t.dateTime2, 1],
  [t.time2, 1],
  [t.vector, 1],
  [t.json, 1],
  [t.newDecimal, 2],
  [t.enum, 2],
  [t.set, 2],
  [t.blob, 1],
  [t.varString, 2],
  [t.string, 2],
  [t.geometry, 1],
]);

const numeric: ReadonlySet<number> = new Set([
  t.tiny,
  t.short,
  t.int24,
  t.long,
  t.longLong,
  t.float,
  t.double,
  t.newDecimal,
]);

const characters: ReadonlySet<number> = new Set([t.varchar, t.varString, t.string, t.blob]);

/** Kinds of metadata that follow a table map. */
const metadata = { signedness: 1, defaultCharset: 2, columnCharset: 3, columnName: 4 } as const;

export function readTableId(body: Buffer): number {
  return body.readUIntLE(0, 6);
}

/** Reads which table it is, which is all that must be known of tables that are not followed. */
export function readTableName(body: Buffer): { schema: string; table: string; end: number } {
  const cursor = new Cursor(body, 8);
  const schema = cursor.text(cursor.number(1));
  cursor.number(1);
  const table = cursor.text(cursor.number(1));
  cursor.number(1);
  return { schema, table, end: cursor.offset };
}

/**
 * Reads a table map event.
 *
 * @throws RangeError when it does not hold together
 */
export function readTableMap(body: Buffer): TableMap {
  const { schema, table, end } = readTableName(body);
  const cursor = new Cursor(body, end);
  const types = [...cursor.slice(cursor.packed())];
  const metas = new Cursor(cursor.slice(cursor.packed()));
  const plain = types.map((type) => typeOf(type, metas));
  cursor.slice((types.length + 7) >> 3); // which columns may be NULL
  const extra = readMetadata(cursor);
  const unsigned = bitsOf(extra.get(metadata.signedness));
  const names = namesOf(extra.get(metadata.columnName));
  const collations = collationsOf(extra);
  let [number, text] = [0, 0];
  const columns = plain.map((column, index) => ({
    ...column,
    name: names[index],
    isUnsigned: numeric.has(column.type) && unsigned(number++),
    collation: characters.has(column.type) ? collations(text++) : undefined,
  }));
  return { schema, table, columns };
}

function typeOf(type: number, metas: Cursor): { type: number; meta: number } {
  const length = metaLength.get(type);
  if (length === undefined) return { type, meta: 0 };
  if (type !== t.string) return { type, meta: metas.number(length) };
  // ENUM and SET come as STRING; of a real one, the two highest bits of its length are upside down in the type's byte.
  const [real, low] = [metas.number(1), metas.number(1)];
  if (real === t.enum || real === t.set) return { type: real, meta: low };
  return { type, meta: (((real << 4) & 0x300) ^ 0x300) + low };
}

function readMetadata(cursor: Cursor): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  while (!cursor.isAtEnd) {
    const kind = cursor.number(1);
    found.set(kind, cursor.slice(cursor.packed()));
  }
  return found;
}

/** One bit per column, highest first. */
function bitsOf(bytes: Buffer | undefined): (index: number) => boolean {
  return (index) => (((bytes?.[index >> 3] ?? 0) >> (7 - (index & 7))) & 1) === 1;
}

function namesOf(bytes: Buffer | undefined): string[] {
  const names: string[] = [];
  const cursor = new Cursor(bytes ?? Buffer.alloc(0));
  while (!cursor.isAtEnd) names.push(cursor.text(cursor.packed()));
  return names;
}

/** Either each column's, or the one of most and those that differ. */
function collationsOf(extra: Map<number, Buffer>): (index: number) => number | undefined {
  const each = numbersOf(extra.get(metadata.columnCharset));
  if (each.length > 0) return (index) => each[index];
  const [common, ...pairs] = numbersOf(extra.get(metadata.defaultCharset));
  const others = new Map<number, number>();
  for (let i = 0; i + 1 < pairs.length; i += 2) others.set(pairs[i] as number, pairs[i + 1] as number);
  return (index) => others.get(index) ?? common;
}

function numbersOf(bytes: Buffer | undefined): number[] {
  const numbers: number[] = [];
  const cursor = new Cursor(bytes ?? Buffer.alloc(0));
  while (!cursor.isAtEnd) numbers.push(cursor.packed());
  return numbers;
}
