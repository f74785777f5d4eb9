import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Version } from "../../domain/version.ts";
import type { Column } from "./columns.ts";
import { type Item, type RowIn, type Table, type TableName, tableNames, tableOf, tables } from "./items.ts";
import type { Key } from "./keys.ts";

/** Largest item in bytes, names of attributes included: an AWS quota. */
export const itemSizeLimit = 400 * 1024;

/**
 * Who applied a change that another store made; absent where this store made it. It suppresses fan-out and nothing
 * else: it is no part of an item's content.
 */
export const originAttribute = "origin";

/** A row that cannot become items, with every reason. */
export class MappingError extends Error {
  readonly table: string;
  readonly reasons: readonly string[];

  constructor(table: string, reasons: readonly string[]) {
    super(`a row of ${table} cannot become items: ${reasons.join("; ")}`);
    this.name = "MappingError";
    this.table = table;
    this.reasons = reasons;
  }
}

/** A row together with its table. */
export type TableRow = { [N in TableName]: { readonly table: N; readonly row: RowIn<N> } }[TableName];

/** Whether rows of the table of that name become items. */
export function isMapped(table: string): table is TableName {
  return Object.hasOwn(tables, table);
}

/**
 * A row as MySQL's driver or a binlog reader gives it, by column, in the form that rows have here.
 *
 * @throws MappingError also for a column that the mapping does not know: leaving it out would lose it silently
 */
export function readRow<N extends TableName>(name: N, raw: Record<string, unknown>): RowIn<N> {
  const { columns, known } = plans[name];
  const reasons: string[] = [];
  const row: Record<string, unknown> = {};
  for (const [column, { read }] of columns) {
    try {
      row[column] = read(raw[column]);
    } catch (error) {
      reasons.push(`${column}: ${(error as Error).message}`);
    }
  }
  // Every column was there, or is among the reasons; so there are others only if there are more.
  const given = Object.keys(raw);
  if (given.length !== columns.length || reasons.length > 0)
    reasons.unshift(
      ...given.filter((column) => !known.has(column)).map((column) => `its column ${column} is not known here`),
    );
  if (reasons.length > 0) throw new MappingError(name, reasons);
  return row as RowIn<N>;
}

/**
 * The items of a row: the whole row first, then its lookups. Each carries the row's version as it is.
 *
 * @throws MappingError when an item would be larger than DynamoDB takes
 */
export function itemsOf<N extends TableName>(name: N, row: RowIn<N>): [Item, ...Item[]] {
  const values = row as Record<string, unknown>;
  const made = plans[name].items.map(({ type, key, attributes, namesSize }) => {
    const { pk, sk } = key(values);
    const item: Item = { pk: { S: pk }, sk: { S: sk }, type: { S: type } };
    let atMost = namesSize + (pk.length + sk.length) * bytesPerUnit;
    for (const [column, { write }] of attributes) {
      const attribute = write(values[column]);
      if (!attribute) continue;
      item[column] = attribute;
      atMost += ((attribute.S ?? attribute.N)?.length ?? 0) * bytesPerUnit + (attribute.B?.length ?? 1);
    }
    if (atMost > itemSizeLimit) refuseLarge(name, item);
    return item;
  });
  return made as [Item, ...Item[]];
}

/** Bytes in UTF-8 that one unit of a JavaScript string takes at most. */
const bytesPerUnit = 3;

function refuseLarge(name: string, item: Item): void {
  const size = sizeOf(item);
  if (size > itemSizeLimit)
    throw new MappingError(name, [`an item of ${size} bytes is over DynamoDB's limit of ${itemSizeLimit}`]);
}

/** What every item of a row has, so that each can be guarded and filtered by itself. */
function everywhere(columns: Table["columns"]): string[] {
  return ["deleted", "version"].filter((column) => Object.hasOwn(columns, column));
}

/**
 * Each table's description in the form that rows go through it: hundreds of thousands a minute do while they migrate, and
 * what is the same for all of them is worked out once.
 */
interface Plan {
  readonly primaryKey: readonly string[];
  readonly columns: readonly (readonly [string, Column<unknown>])[];
  readonly known: ReadonlySet<string>;
  readonly items: readonly {
    readonly type: string;
    readonly key: (values: Record<string, unknown>) => Key;
    readonly attributes: readonly (readonly [string, Column<unknown>])[];
    /** Bytes of the names of attributes and of the type. */
    readonly namesSize: number;
  }[];
}

function planOf({ columns, primaryKey, items }: Table): Plan {
  return {
    primaryKey,
    columns: Object.entries(columns),
    known: new Set(Object.keys(columns)),
    items: items.map(({ type, key, has }) => {
      const names = [...new Set([...has, ...everywhere(columns)])];
      return {
        type,
        key,
        attributes: names.map((column) => [column, columns[column] as Column<unknown>] as const),
        namesSize: Buffer.byteLength(["pk", "sk", "type", type, ...names].join("")),
      };
    }),
  };
}

const plans = Object.fromEntries(tableNames.map((name) => [name, planOf(tableOf(name))])) as Record<TableName, Plan>;

/**
 * The row that an item holds; undefined for a lookup, and for what is no row's.
 *
 * @throws Error when the item lacks an attribute of its row
 */
export function rowOf(item: Item): TableRow | undefined {
  const table = wholeRowTypes.get(item.type?.S ?? "");
  return table && ({ table, row: parseRow(table, item) } as TableRow);
}

/** As {@link rowOf}, for an item that is known to hold a row of this table. */
export function parseRow<N extends TableName>(name: N, item: Item): RowIn<N> {
  const row: Record<string, unknown> = {};
  for (const [column, { parse }] of Object.entries(tableOf(name).columns)) {
    try {
      row[column] = parse(item[column]);
    } catch (error) {
      throw new Error(`${item.pk?.S}/${item.sk?.S} is no row of ${name}: ${column}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  return row as RowIn<N>;
}

const wholeRowTypes = new Map(tableNames.map((name) => [tableOf(name).items[0]?.type, name]));

const rowTypes = new Set(tableNames.flatMap((name) => tableOf(name).items.map(({ type }) => type)));

/** Whether the item is of a row: versioned, migrated, verified. Others are this store's own, or derived. */
export function isOfRow(item: Item): boolean {
  return rowTypes.has(item.type?.S ?? "");
}

/** The row's primary key as one string: equal for equal keys, whatever the form they came in. */
export function rowKey<N extends TableName>(name: N, row: RowIn<N>): string {
  const values = row as Record<string, unknown>;
  let key: string = name;
  for (const column of plans[name].primaryKey) {
    const value = values[column];
    key += `/${Buffer.isBuffer(value) ? value.toString("hex") : String(value)}`;
  }
  return key;
}

export function keyOf(item: Item): Key {
  return { pk: item.pk?.S ?? "", sk: item.sk?.S ?? "" };
}

/** The version of an item of a row. */
export function versionOf(item: Item): Version {
  return BigInt(item.version?.N ?? "0");
}

/** An item's content as one string; equal for equal content, whoever wrote it. */
export function contentOf(item: Item): string {
  const names = Object.keys(item)
    .filter((name) => name !== originAttribute)
    .sort();
  return JSON.stringify(names.map((name) => [name, plain(item[name] as AttributeValue)]));
}

function plain(attribute: AttributeValue): unknown {
  if (attribute.B) return ["B", Buffer.from(attribute.B).toString("base64")];
  return Object.entries(attribute)[0];
}

/** The item's size as DynamoDB counts it (its numbers at most). */
export function sizeOf(item: Item): number {
  const size = (attribute: AttributeValue) => {
    if (attribute.S !== undefined) return Buffer.byteLength(attribute.S);
    if (attribute.N !== undefined) return Math.ceil(attribute.N.length / 2) + 1;
    return attribute.B?.length ?? 1;
  };
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + size(value), 0);
}
