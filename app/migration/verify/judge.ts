import { type Item, type TableName, tableNames, tableOf } from "../../store/dynamodb/items.ts";
import type { Key } from "../../store/dynamodb/keys.ts";
import { contentOf, keyOf, versionOf } from "../../store/dynamodb/mapping.ts";
import { type KeyPart, makeRowKey } from "../../store/mysql/row-keys.ts";

/** An item's place as one string. */
export function placeOf(item: Item): string {
  return placeAt(keyOf(item));
}

export function placeAt({ pk, sk }: Key): string {
  return `${pk} ${sk}`;
}

/** Whether the item is what the row says that it should be, version and all. */
export function isEqual(wanted: Item, there: Item | undefined): boolean {
  if (there === undefined || versionOf(wanted) !== versionOf(there)) return false;
  return contentOf(wanted) === contentOf(there);
}

/** Whether the item says that its row is gone: there need be none. */
export function isTombstone(item: Item): boolean {
  return item.deleted?.BOOL === true;
}

/** Tables by the type of the item that holds a whole row. */
const wholeRows = new Map(tableNames.map((name) => [tableOf(name).items[0]?.type, name]));

/** The key of the row that an item is of, whole or a lookup; undefined where the item doesn't say. */
export function rowKeyOf(item: Item): string | undefined {
  const { pk } = keyOf(item);
  const owner = () => BigInt(pk.slice(pk.indexOf("#") + 1));
  try {
    switch (item.type?.S) {
      case "name":
      case "directory":
        return makeRowKey(["users", number(item.id)]);
      case "post_lookup":
        return makeRowKey(["posts", owner()]);
      case "follower":
        return makeRowKey(["follows", number(item.follower_id), owner()]);
    }
    const table = wholeRows.get(item.type?.S);
    return table && makeRowKey([table, ...primaryKeyOf(table, item)]);
  } catch {
    return undefined;
  }
}

function primaryKeyOf(table: TableName, item: Item): KeyPart[] {
  const { columns, primaryKey } = tableOf(table);
  return primaryKey.map((column) => {
    const value = columns[column]?.parse(item[column]);
    return Buffer.isBuffer(value) ? value : number({ S: value as string });
  });
}

/** BigInt("") is 0n. */
function number(attribute: { S?: string | undefined } | undefined): bigint {
  if (!attribute?.S) throw new Error("the attribute is missing");
  return BigInt(attribute.S);
}
