import { CreateTableCommand, type DynamoDBClient, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import { tableDefinition } from "../../app/store/dynamodb/table-definition.ts";

/** Makes a table as the service's, and returns its name. */
export async function createBenchTable(
  client: DynamoDBClient,
  TableName = "bench",
  { stream = true } = {},
): Promise<string> {
  const { partitionKey, sortKey, streamViewType } = tableDefinition;
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [partitionKey, sortKey].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
      KeySchema: [
        { AttributeName: partitionKey, KeyType: "HASH" },
        { AttributeName: sortKey, KeyType: "RANGE" },
      ],
      ...(stream ? { StreamSpecification: { StreamEnabled: true, StreamViewType: streamViewType } } : {}),
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 0.05, maxDelay: 0.5 }, { TableName });
  return TableName;
}
