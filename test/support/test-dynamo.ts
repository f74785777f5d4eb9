import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateTableCommand,
  type DynamoDBClient,
  type DynamoDBClientConfig,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { servingClient } from "../../app/store/dynamodb/client.ts";
import { DynamoTable } from "../../app/store/dynamodb/dynamo-table.ts";
import { tableDefinition } from "../../app/store/dynamodb/table-definition.ts";
import { type Dynamo, startDynamo } from "../../local/parts/dynamodb.ts";

/** A table of a suite's own on the emulator that all suites of this run share. */
export interface TestTable {
  readonly table: DynamoTable;
  readonly client: DynamoDBClient;
  readonly streams: DynamoDBStreamsClient;
  readonly streamArn: string;
}

/** What the emulator takes for region and credentials: anything. */
export const localAccess = { region: "eu-central-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };

let running: { emulator: Promise<Dynamo>; folder: string } | undefined;
const clients: { destroy(): void }[] = [];

/** The emulator, started when the first suite needs it and stopped after the last. */
export function sharedEmulator(): Promise<Dynamo> {
  if (!running) {
    const folder = mkdtempSync(join(tmpdir(), "chirp-test-dynamodb-"));
    running = { emulator: startDynamo({ dir: folder, inMemory: true, report: console.error }), folder };
  }
  return running.emulator;
}

// In the root suite, whichever file imports this first.
after(async function stopSharedEmulator() {
  this.timeout(30_000);
  if (!running) return;
  for (const client of clients) client.destroy();
  await (await running.emulator).stop();
  rmSync(running.folder, { recursive: true, force: true, maxRetries: 3 });
});

/** A new, empty table with its stream. */
export async function testTable(config: DynamoDBClientConfig = {}): Promise<TestTable> {
  const { endpoint } = await sharedEmulator();
  return createTestTable(endpoint, config);
}

export async function createTestTable(endpoint: string, config: DynamoDBClientConfig = {}): Promise<TestTable> {
  const access = { ...localAccess, endpoint };
  const client = servingClient({ ...access, ...config });
  const streams = new DynamoDBStreamsClient(access);
  clients.push(client, streams);
  const { partitionKey, sortKey, streamViewType } = tableDefinition;
  const name = `chirp_${randomBytes(6).toString("hex")}`;
  const { TableDescription } = await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [partitionKey, sortKey].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
      KeySchema: [
        { AttributeName: partitionKey, KeyType: "HASH" },
        { AttributeName: sortKey, KeyType: "RANGE" },
      ],
      StreamSpecification: { StreamEnabled: true, StreamViewType: streamViewType },
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 0.05, maxDelay: 0.5 }, { TableName: name });
  const streamArn = TableDescription?.LatestStreamArn ?? "";
  return { table: new DynamoTable({ client, name }), client, streams, streamArn };
}
