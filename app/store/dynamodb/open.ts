import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import type { OpenStore } from "../mysql/open.ts";
import { servingClient } from "./client.ts";
import { DynamoTable } from "./dynamo-table.ts";
import type { StoreOfRecord } from "./record.ts";
import { dynamoStore } from "./store.ts";
import { dynamoWorkerLeases } from "./workers.ts";

export interface DynamoOptions {
  /** Name of the table. */
  readonly tableName: string;
  readonly record: StoreOfRecord;
  /** @default region, credentials and endpoint as every SDK client finds them */
  readonly client?: DynamoDBClientConfig;
}

/** Opens the store over a table that is there. */
export async function openDynamo({ tableName, record, client: config }: DynamoOptions): Promise<OpenStore> {
  const client = servingClient(config);
  const table = new DynamoTable({ client, name: tableName });
  const store = dynamoStore(table, record);
  try {
    await store.ping();
  } catch (error) {
    client.destroy();
    throw error;
  }
  return { store, workers: dynamoWorkerLeases(table), close: async () => client.destroy() };
}
