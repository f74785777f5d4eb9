import type { Store } from "../store.ts";
import { dynamoAccounts } from "./accounts.ts";
import { dynamoAttempts } from "./attempts.ts";
import { Changes } from "./changes.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { dynamoPosts } from "./posts.ts";
import type { StoreOfRecord } from "./record.ts";
import { dynamoRelations } from "./relations.ts";
import { dynamoRemovals } from "./removals.ts";
import { dynamoSessions } from "./sessions.ts";
import { dynamoTimelines } from "./timelines.ts";

/**
 * The store over a DynamoDB table.
 *
 * Home timelines are filled by the stream: a post by somebody else is there a moment after it was written. All else is
 * there for every reader at once.
 */
export function dynamoStore(table: DynamoTable, record: StoreOfRecord): Store {
  const changes = new Changes(table, record);
  return {
    ping: async () => void (await table.get({ pk: "ping", sk: "ping" })),
    ...dynamoAccounts(table, changes),
    ...dynamoSessions(table, changes),
    ...dynamoPosts(table, changes),
    ...dynamoRemovals(table),
    ...dynamoRelations(table, changes),
    ...dynamoTimelines(table, record),
    ...dynamoAttempts(table),
  };
}
