import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Logger } from "pino";
import type { Secrets } from "../../aws/secrets.ts";
import { migratingClient } from "../../migration/client.ts";
import { DualWriter } from "../dual/dual-writer.ts";
import { parseControl } from "../record/control.ts";
import type { Control } from "../record/states.ts";
import type { Store } from "../store.ts";
import type { WorkerLeases } from "../workers.ts";
import { ensureAppUser } from "./app-user.ts";
import { Database } from "./database.ts";
import { connectAsAdmin, type DatabaseAddress, withLock } from "./login.ts";
import { migrate } from "./migrate.ts";
import { mysqlStore } from "./store.ts";
import { mysqlWorkerLeases } from "./workers.ts";

export interface MysqlOptions {
  readonly address: DatabaseAddress;
  readonly secrets: Pick<Secrets, "read" | "write">;
  /** Secret of the administrator, used at the start only. */
  readonly adminSecret: string;
  /** Secret of the user that servers work as; given a value by whichever server comes first. */
  readonly appSecret: string;
  /** Where what the outbox names is written too. @default nowhere: it is left to the batch writer */
  readonly dualWrite?: DualWriteOptions | undefined;
}

export interface DualWriteOptions {
  readonly tableName: string;
  readonly log: Pick<Logger, "warn">;
  /** Belongs to the store, which ends it. @default region, credentials and endpoint as every SDK client finds them */
  readonly client?: DynamoDBClient;
}

/** An open store and what else the database gives to servers. */
export interface OpenStore {
  readonly store: Store;
  readonly workers: WorkerLeases;
  close(): Promise<void>;
}

/** As {@link OpenStore}, and the database's half of the record of which store is the record. */
export interface OpenMysql extends OpenStore {
  /** Reads the control row, over a connection that nothing else waits for. */
  control(): Promise<Control>;
}

/** For the record only: it is asked again and again, and an answer that is late is none. */
const controlLimits = { connections: 1, patience: 200 };

/** Seconds to wait while other servers prepare the database. */
const lockTimeout = 60;

/** Prepares the database (schema, servers' user), one server at a time, and opens the store as the servers' user. */
export async function openMysql(options: MysqlOptions): Promise<OpenMysql> {
  await prepare(options);
  const { database, dualWriter } = connect(options);
  const { address, secrets, appSecret } = options;
  const credentials = () => readCredentials(secrets, appSecret);
  const aside = new Database({ address, credentials, limits: controlLimits });
  const close = async () => {
    await dualWriter?.close();
    await database.close();
    await aside.close();
  };
  const store = mysqlStore(database);
  try {
    await store.ping();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    store,
    workers: mysqlWorkerLeases(database),
    control: async () => parseControl((await aside.read("SELECT record, epoch FROM control WHERE id = 1"))[0]),
    close,
  };
}

function connect({ address, secrets, appSecret, dualWrite }: MysqlOptions) {
  const credentials = () => readCredentials(secrets, appSecret);
  if (!dualWrite) return { database: new Database({ address, credentials }) };
  const database: Database = new Database({ address, credentials, onEntry: (entry) => dualWriter.note(entry) });
  const dualWriter = new DualWriter({ client: migratingClient(), ...dualWrite, database });
  return { database, dualWriter };
}

async function prepare({ address, secrets, adminSecret, appSecret }: MysqlOptions): Promise<void> {
  const admin = await connectAsAdmin(address, await readCredentials(secrets, adminSecret));
  try {
    await withLock(admin, `chirp:${address.database}:schema`, lockTimeout, async () => {
      await migrate(admin);
      await ensureAppUser(admin, { database: address.database, secrets, secretId: appSecret });
    });
  } finally {
    await admin.end().catch(() => admin.destroy()); // it may be gone already
  }
}

async function readCredentials(secrets: Pick<Secrets, "read">, id: string) {
  const credentials = await secrets.read(id);
  if (!credentials) throw new Error(`The secret ${id} has no value`);
  return credentials;
}
