import { type Connection, createConnection } from "mysql2/promise";
import { Snowflakes } from "../../../app/domain/snowflake.ts";
import { type DualWriteOptions, openMysql } from "../../../app/store/mysql/open.ts";
import type { Store } from "../../../app/store/store.ts";
import type { WorkerLeases } from "../../../app/store/workers.ts";
import { type TestDatabase, testDatabase } from "../../support/test-database.ts";
import { TestSecrets } from "../../support/test-secrets.ts";

/** A MySQL store over a database of its own. */
export interface OpenedStore {
  readonly store: Store;
  readonly workers: WorkerLeases;
  readonly database: TestDatabase;
  readonly secrets: TestSecrets;
  nextId(): string;
  /** A connection as the user that servers work as. */
  connectAsServer(): Promise<Connection>;
  close(): Promise<void>;
}

/**
 * @param port another port that leads to the database server, such as a proxy's
 * @param dualWrite where writes go to as well
 */
export async function openTestStore(
  database?: TestDatabase,
  port?: number,
  dualWrite?: DualWriteOptions,
): Promise<OpenedStore> {
  database ??= await testDatabase();
  const secrets = new TestSecrets(database.admin);
  const address = { ...database.address, ...(port ? { port } : {}) };
  const options = { address, secrets, adminSecret: "admin", appSecret: "app", dualWrite };
  const { store, workers, close } = await openMysql(options);
  const ids = new Snowflakes(() => Date.now());
  ids.use({ worker: 0, from: 0, until: Number.MAX_SAFE_INTEGER });
  return {
    store,
    workers,
    database,
    secrets,
    nextId: () => ids.next(),
    async connectAsServer() {
      const { username, password } = (await secrets.read("app"))!;
      return createConnection({
        host: address.host,
        port: address.port,
        database: address.database,
        user: username,
        password,
      });
    },
    close,
  };
}
