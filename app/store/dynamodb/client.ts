import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";

/** Requests under way at once per server. */
const connections = 128;

/**
 * A client for serving people: a request that gets no answer is given up early and tried again by us, who know how long
 * somebody is willing to wait. Finds region, credentials and endpoint as every SDK client does.
 */
export function servingClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient({
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: 1000,
      requestTimeout: 2000,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: connections },
      httpsAgent: { keepAlive: true, maxSockets: connections },
    },
    ...config,
  });
}
