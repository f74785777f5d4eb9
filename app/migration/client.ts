import type { DynamoDBClient, DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { servingClient } from "../store/dynamodb/client.ts";

/**
 * A client for work that nobody waits for: an answer that takes its time is worth more than asking again, which a table
 * with much to do has to answer, too. It does not retry by itself: the sink's pacing and the tables' patience do.
 */
export function migratingClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  return servingClient({
    requestHandler: {
      connectionTimeout: 5000,
      requestTimeout: 30_000,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: 64 },
      httpsAgent: { keepAlive: true, maxSockets: 64 },
    },
    ...config,
  });
}
