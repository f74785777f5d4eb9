import type { Store } from "../store.ts";
import { mysqlAccounts } from "./accounts.ts";
import { mysqlAttempts } from "./attempts.ts";
import type { Database } from "./database.ts";
import { mysqlPosts } from "./posts.ts";
import { mysqlRelations } from "./relations.ts";
import { mysqlRemovals } from "./removals.ts";
import { mysqlSessions } from "./sessions.ts";
import { mysqlTimelines } from "./timelines.ts";

/** The store over a MySQL or MariaDB database whose schema is up to date. */
export function mysqlStore(database: Database): Store {
  return {
    ping: async () => void (await database.read("SELECT 1")),
    ...mysqlAccounts(database),
    ...mysqlSessions(database),
    ...mysqlPosts(database),
    ...mysqlRemovals(database),
    ...mysqlRelations(database),
    ...mysqlTimelines(database),
    ...mysqlAttempts(database),
  };
}
