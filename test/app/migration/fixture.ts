import { ScanCommand } from "@aws-sdk/client-dynamodb";
import type { Connection } from "mysql2/promise";
import pino from "pino";
import { migratingClient } from "../../../app/migration/client.ts";
import { type CountedDeadLetters, deadLetters } from "../../../app/migration/dead-letters.ts";
import { claimJournal } from "../../../app/migration/journal.ts";
import type { Journal, Sink } from "../../../app/migration/model.ts";
import { createSink } from "../../../app/migration/sink/sink.ts";
import { openSource, type Source } from "../../../app/migration/source.ts";
import { segmentsOf } from "../../../app/migration/segments.ts";
import { nextRows, type ReadRow } from "../../../app/migration/table-rows.ts";
import { contentOf, isOfRow, keyOf } from "../../../app/store/dynamodb/mapping.ts";
import { migrate } from "../../../app/store/mysql/migrate.ts";
import { testDatabase } from "../../support/test-database.ts";
import { localAccess, type TestTable, testTable } from "../../support/test-dynamo.ts";

/** A database with the service's tables, a table for its items, and what a worker has. */
export interface Migrated {
  readonly connection: Connection;
  readonly source: Source;
  readonly target: TestTable;
  readonly journal: Journal;
  readonly deadLetters: CountedDeadLetters;
  readonly sink: Sink;
  /** What a worker has that takes over. */
  next(): Promise<Pick<Migrated, "journal" | "deadLetters" | "sink">>;
  close(): Promise<void>;
}

export const log = pino({ level: "silent" });

export async function startMigration(): Promise<Migrated> {
  const [database, target, kept] = await Promise.all([testDatabase(), patientTable(), patientTable()]);
  const connection = await database.connect();
  await migrate(connection);
  const source = openSource({ address: database.address, credentials: async () => database.admin });
  const next = async () => {
    const journal = await claimJournal({ client: kept.client, tableName: kept.table.name, run: 1 });
    const sink = createSink({ client: target.client, tableName: target.table.name, fence: journal.fence, log });
    return { journal, deadLetters: deadLetters(journal), sink };
  };
  return { connection, source, target, ...(await next()), next, close: () => source.close() };
}

/** A table whose client waits as a worker's does. */
export async function patientTable(): Promise<TestTable> {
  const { requestHandler } = migratingClient(localAccess).config;
  return testTable({ requestHandler });
}

/** What differs between all rows and all items, by keys; nothing when they are equal. */
export async function differences({ source, target }: Pick<Migrated, "source" | "target">): Promise<string[]> {
  const expected = new Map<string, string>();
  for (const segment of segmentsOf({ users: [], posts: [], rows: 0 })) {
    let page: ReadRow[];
    let after: string | undefined;
    do {
      page = await nextRows(source, segment, after, 1000);
      for (const { mapped } of page) {
        if (mapped instanceof Error) throw mapped;
        for (const item of mapped.items) expected.set(JSON.stringify(keyOf(item)), contentOf(item));
      }
      after = page.at(-1)?.key;
    } while (page.length === 1000);
  }
  const found: string[] = [];
  let start: Record<string, never> | undefined;
  do {
    const page = await target.client.send(
      new ScanCommand({
        TableName: target.table.name,
        ConsistentRead: true,
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    for (const item of page.Items ?? []) {
      const key = JSON.stringify(keyOf(item));
      if (!isOfRow(item)) continue;
      const isSame = expected.get(key) === contentOf(item);
      if (!isSame && (expected.has(key) || item.deleted?.BOOL !== true)) found.push(`${key} is ${contentOf(item)}`);
      expected.delete(key);
    }
    start = page.LastEvaluatedKey as typeof start;
  } while (start);
  return [...found, ...[...expected.keys()].map((key) => `${key} is missing`)];
}
