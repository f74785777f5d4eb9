import { ScanCommand } from "@aws-sdk/client-dynamodb";
import type { RowDataPacket } from "mysql2/promise";
import { type Item, tableNames } from "../../app/store/dynamodb/items.ts";
import { contentOf, isOfRow, itemsOf, keyOf, readRow, rowKey } from "../../app/store/dynamodb/mapping.ts";
import type { TestDatabase } from "./test-database.ts";
import type { TestTable } from "./test-dynamo.ts";

/** Everything in which the two stores differ, one line each; none when they hold the same. */
export async function differences(
  database: Pick<TestDatabase, "connect">,
  made: Pick<TestTable, "client" | "table">,
): Promise<string[]> {
  const items = await allItems(made);
  const found: string[] = [];
  const admin = await database.connect();
  for (const table of tableNames) {
    const [rows] = await admin.query<RowDataPacket[]>(`SELECT * FROM ${table}`);
    for (const raw of rows) {
      const row = readRow(table, raw);
      for (const expected of itemsOf(table, row)) {
        const path = pathOf(expected);
        const item = items.get(path);
        if (!item) found.push(`${rowKey(table, row)}: ${path} is missing`);
        else if (contentOf(item) !== contentOf(expected)) found.push(`${rowKey(table, row)}: ${path} differs`);
        items.delete(path);
      }
    }
  }
  for (const [path, item] of items) if (isOfRow(item)) found.push(`${path} is no row's`);
  return found;
}

/** Every item of a table, by its key. */
export async function allItems({ client, table }: Pick<TestTable, "client" | "table">): Promise<Map<string, Item>> {
  const items = new Map<string, Item>();
  let start: Item | undefined;
  do {
    const page = await client.send(
      new ScanCommand({
        TableName: table.name,
        ConsistentRead: true,
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    for (const item of page.Items ?? []) items.set(pathOf(item), item);
    start = page.LastEvaluatedKey;
  } while (start);
  return items;
}

function pathOf(item: Item): string {
  const { pk, sk } = keyOf(item);
  return `${pk} · ${sk}`;
}
