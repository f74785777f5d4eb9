import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import type { Logger } from "pino";
import { errors } from "../domain/errors.ts";
import { servingClient } from "./dynamodb/client.ts";
import { DynamoTable } from "./dynamodb/dynamo-table.ts";
import { connectDynamo, openDynamo } from "./dynamodb/open.ts";
import { alwaysTheRecord } from "./dynamodb/record.ts";
import { type MysqlOptions, type OpenMysql, type OpenStore, openMysql } from "./mysql/open.ts";
import { readRecord } from "./record/item.ts";
import { RecordWatch } from "./record/watch.ts";
import { routedStore } from "./routed.ts";
import { routedWorkerLeases } from "./routed-workers.ts";

export interface StoreOptions {
  /** The MySQL database, where there is one. */
  readonly database?: Omit<MysqlOptions, "dualWrite"> | undefined;
  /** The DynamoDB table, where there is one. */
  readonly tableName?: string | undefined;
  readonly log: Pick<Logger, "info" | "warn">;
  /** @default region, credentials and endpoint as every SDK client finds them */
  readonly client?: DynamoDBClientConfig;
}

/** Milliseconds between attempts to open a database that is not needed now. */
const reopenDelay = 2000;

/** The record is asked often, and an answer that is late is none: few connections, little time. */
const recordConnections = { maxSockets: 4, keepAlive: true };
const recordTimeouts = { connectionTimeout: 500, requestTimeout: 500, throwOnRequestTimeout: true };
const recordPatience = 100;

/**
 * Opens the store of record: MySQL alone, DynamoDB alone, or both, of which one at a time is the record, and then only
 * that one has to be there.
 *
 * @throws when the store of record cannot be reached, or nobody says which one it is
 */
export async function openStore(options: StoreOptions): Promise<OpenStore> {
  const { database, tableName } = options;
  if (tableName === undefined) {
    if (!database) throw new Error("There is neither a database nor a table to open");
    return openMysql(database);
  }
  return database ? openBoth({ ...options, database, tableName }) : openTable({ ...options, tableName });
}

/** For a stack that began with DynamoDB, or has done with MySQL. */
async function openTable({ tableName, client }: StoreOptions & { readonly tableName: string }): Promise<OpenStore> {
  const asking = servingClient(client);
  try {
    const { state, epoch, version } = await readRecord(new DynamoTable({ client: asking, name: tableName }));
    if (version > 0 && state !== "dynamodb")
      throw new Error(
        `The table ${tableName} says that the store of record is not DynamoDB (${state}), and no database is configured: ` +
          "set DB_HOST, DB_NAME, DB_ADMIN_SECRET and DB_APP_SECRET",
      );
    const record = alwaysTheRecord(version > 0 ? epoch : 1n);
    return await openDynamo({ tableName, record, ...(client ? { client } : {}) });
  } finally {
    asking.destroy();
  }
}

async function openBoth(
  options: StoreOptions & { readonly database: Omit<MysqlOptions, "dualWrite">; readonly tableName: string },
): Promise<OpenStore> {
  const { database, tableName, log, client = {} } = options;
  const mysql = new Reopening(() => openMysql({ ...database, dualWrite: { tableName, log } }), log);
  const requestHandler = { ...recordTimeouts, httpAgent: recordConnections, httpsAgent: recordConnections };
  const asking = servingClient({ requestHandler, ...client });
  const recordTable = new DynamoTable({ client: asking, name: tableName, patience: recordPatience });
  const watch = new RecordWatch({
    control: async () => (await mysql.opened()).control(),
    item: () => readRecord(recordTable),
    log,
  });
  const dynamo = connectDynamo({ tableName, record: watch, client });
  const close = async () => {
    watch.close();
    await Promise.all([mysql.close(), dynamo.close()]);
    asking.destroy();
  };
  const store = routedStore({ mysql: () => mysql.current.store, dynamodb: dynamo.store, watch });
  const workers = routedWorkerLeases({ mysql: () => mysql.current.workers, dynamodb: dynamo.workers, watch });
  try {
    await store.ping();
  } catch (error) {
    await close();
    throw error;
  }
  return { store, workers, close };
}

/** A database that is opened in the background, again and again until it is. */
class Reopening {
  readonly #open: () => Promise<OpenMysql>;
  readonly #log: Pick<Logger, "warn">;
  #attempt: Promise<OpenMysql>;
  #opened: OpenMysql | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(open: () => Promise<OpenMysql>, log: Pick<Logger, "warn">) {
    this.#open = open;
    this.#log = log;
    this.#attempt = this.#try();
  }

  /** @throws AppError `unavailable` while it is not open */
  get current(): OpenMysql {
    if (!this.#opened) throw errors.unavailable(new Error("the database is not open"));
    return this.#opened;
  }

  /** The outcome of the attempt under way, or of the last one. */
  opened(): Promise<OpenMysql> {
    return this.#attempt;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#attempt.then(
      (opened) => opened.close(),
      () => {}, // nothing to close
    );
  }

  #try(): Promise<OpenMysql> {
    const attempt = this.#open();
    attempt.then(
      (opened) => {
        this.#opened = opened;
      },
      (error) => {
        if (this.#closed) return;
        this.#log.warn({ err: error }, "the database cannot be opened; trying again");
        this.#timer = setTimeout(() => {
          this.#attempt = this.#try();
        }, reopenDelay);
        this.#timer.unref();
      },
    );
    return attempt;
  }
}
