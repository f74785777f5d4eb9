import { type RowIn, type TableName } from "../../../app/store/dynamodb/items.ts";
import {
  contentOf,
  itemsOf,
  keyOf,
  originAttribute,
  rowKey,
  type TableRow,
} from "../../../app/store/dynamodb/mapping.ts";
import type { Item } from "../../../app/store/dynamodb/items.ts";
import type { MappedRow } from "../../../app/migration/model.ts";
import type { TestTable } from "../../support/test-dynamo.ts";

/** A row with its items. */
export function mapped<N extends TableName>(table: N, row: RowIn<N>): MappedRow {
  const { version } = row as { version: bigint };
  return { table, key: rowKey(table, row), version, items: itemsOf(table, row) };
}

export function mappedRow({ table, row }: TableRow): MappedRow {
  return mapped(table, row as never);
}

/** A like by a user of its own. */
export function likeBy(user: number, version: bigint, more: Partial<RowIn<"likes">> = {}): MappedRow {
  return mapped("likes", { user_id: String(user), post_id: "7", created_at: 1, deleted: false, version, ...more });
}

/** What is at the keys of these items, each as `contentOf` gives it. */
export async function contentsAt({ table }: TestTable, items: readonly Item[]): Promise<(string | undefined)[]> {
  const found = await table.getAll(items.map(keyOf));
  return items.map((item) => {
    const there = found.at(keyOf(item));
    return there && contentOf(there);
  });
}

/** Who wrote the item last. */
export async function originAt({ table }: TestTable, item: Item): Promise<string | undefined> {
  return (await table.get(keyOf(item)))?.[originAttribute]?.S;
}
