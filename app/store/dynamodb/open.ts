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

/** What a server needs of a table. */
export interface ConnectedDynamo extends OpenStore {
  readonly table: DynamoTable;
}

/** A client finds its way by itself: there is nothing to open, and nothing asked yet. */
export function connectDynamo({ tableName, record, client: config }: DynamoOptions): ConnectedDynamo {
  const client = servingClient(config);
  const table = new DynamoTable({ client, name: tableName });
  const store = dynamoStore(table, record);
  return { store, table, workers: dynamoWorkerLeases(table), close: async () => client.destroy() };
}

/** Opens the store over a table that is there. */
export async function openDynamo(options: DynamoOptions): Promise<OpenStore> {
  const opened = connectDynamo(options);
  try {
    await opened.store.ping();
  } catch (error) {
    await opened.close();
    throw error;
  }
  return opened;
}
