import { ScanCommand } from "@aws-sdk/client-dynamodb";
import type { Connection, RowDataPacket } from "mysql2/promise";
import { type Item, type TableName, tableNames } from "../../app/store/dynamodb/items.ts";
import { contentOf, isOfRow, itemsOf, keyOf, readRow } from "../../app/store/dynamodb/mapping.ts";
import type { TestTable } from "./test-dynamo.ts";

/**
 * What differs between a database and a table that nobody writes to: keys of items, each with what is wrong with it. The
 * simplest comparison there is, to judge the product's own by.
 */
export async function differences(connection: Connection, made: TestTable): Promise<string[]> {
  const expected = new Map<string, string>();
  for (const table of tableNames)
    for (const item of await itemsIn(connection, table)) expected.set(key(item), contentOf(item));
  const wrong: string[] = [];
  for await (const item of allItems(made)) {
    const content = expected.get(key(item));
    expected.delete(key(item));
    // What was deleted by hand leaves a tombstone.
    if (content === undefined && item.deleted?.BOOL !== true) wrong.push(`${key(item)} has no row`);
    if (content !== undefined && content !== contentOf(item))
      wrong.push(`${key(item)} is ${contentOf(item)}, not ${content}`);
  }
  return [...wrong, ...[...expected.keys()].map((missing) => `${missing} is missing`)];
}

async function itemsIn(connection: Connection, table: TableName): Promise<Item[]> {
  const [rows] = await connection.query<RowDataPacket[]>("SELECT * FROM ??", [table]);
  return rows.flatMap((row) => itemsOf(table, readRow(table, row)));
}

async function* allItems({ client, table }: TestTable): AsyncGenerator<Item> {
  let ExclusiveStartKey: Item | undefined;
  do {
    const command = new ScanCommand({ TableName: table.name, ConsistentRead: true, ExclusiveStartKey });
    const { Items = [], LastEvaluatedKey } = await client.send(command);
    yield* Items.filter(isOfRow);
    ExclusiveStartKey = LastEvaluatedKey;
  } while (ExclusiveStartKey);
}

function key(item: Item): string {
  const { pk, sk } = keyOf(item);
  return `${pk}/${sk}`;
}
