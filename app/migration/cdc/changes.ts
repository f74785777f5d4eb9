import { itemsOf, keyOf, MappingError, readRow, rowKey } from "../../store/dynamodb/mapping.ts";
import { type Item, type RowIn, type TableName, tableOf } from "../../store/dynamodb/items.ts";
import type { Version } from "../../domain/version.ts";
import type { BinlogRow, RowImages } from "../binlog/rows.ts";
import type { MappedRow } from "../model.ts";

/** What a changed row becomes in the other store. */
export interface Change {
  readonly row: MappedRow;
  /** Whether a later change of the row makes this one needless. Where an item is left behind it does not. */
  readonly isSuperseded: boolean;
}

/** A changed row that cannot become items. */
export interface Poison {
  /** Table and primary key, as far as they could be read. */
  readonly key: string;
  readonly reason: string;
}

/** Columns that keys of items are made of. The service never changes them in a row; a person might. */
const identities: { readonly [N in TableName]: readonly (keyof RowIn<N> & string)[] } = {
  users: ["id", "name_key"],
  user_counters: ["user_id"],
  posts: ["id", "author_id"],
  post_counters: ["post_id"],
  follows: ["follower_id", "followee_id"],
  likes: ["user_id", "post_id"],
  sessions: ["user_id", "token_hash"],
  idempotency_keys: ["user_id", "key_hash"],
};

/**
 * What a row's images in the binlog become. Versions are the store of record's, as they are; only what it never does,
 * and a person did by hand, gets one here: a deleted row, or one that moved, leaves a tombstone one version later.
 */
export function changeOf(table: TableName, { before, after }: RowImages): Change | Poison {
  try {
    if (!after) return { row: tombstone(table, before as BinlogRow), isSuperseded: true };
    const row = mapped(table, readRow(table, after));
    if (!before || !hasMoved(table, before, after)) return { row, isSuperseded: true };
    const kept = new Set(row.items.map(id));
    const left = tombstone(table, before).items.filter((item) => !kept.has(id(item)));
    return { row: { ...row, items: [...row.items, ...left] }, isSuperseded: false };
  } catch (error) {
    if (!(error instanceof MappingError)) throw error;
    return { key: keyAsFarAsReadable(table, (after ?? before) as BinlogRow), reason: error.message };
  }
}

function mapped<N extends TableName>(table: N, row: RowIn<N>): MappedRow {
  const { version } = row as { readonly version: Version };
  return { table, key: rowKey(table, row), version, items: itemsOf(table, row) };
}

function tombstone(table: TableName, raw: BinlogRow): MappedRow {
  const row = readRow(table, raw);
  const mark = "deleted" in row ? { deleted: true } : {};
  return mapped(table, { ...row, ...mark, version: row.version + 1n });
}

function hasMoved(table: TableName, before: BinlogRow, after: BinlogRow): boolean {
  return identities[table].some((column) => {
    const [was, is] = [before[column], after[column]];
    return Buffer.isBuffer(was) && Buffer.isBuffer(is) ? !was.equals(is) : was !== is;
  });
}

function id(item: Item): string {
  const { pk, sk } = keyOf(item);
  return `${pk}/${sk}`;
}

/** As `rowKey` makes it, of values that may be none. */
function keyAsFarAsReadable(table: TableName, raw: BinlogRow): string {
  const { primaryKey, columns } = tableOf(table);
  const parts = primaryKey.map((column) => {
    try {
      const value = columns[column]?.read(raw[column]);
      return Buffer.isBuffer(value) ? value.toString("hex") : String(value);
    } catch {
      return "?";
    }
  });
  return [table, ...parts].join("/");
}
