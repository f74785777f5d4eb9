import type { Credentials } from "../../../app/aws/secrets.ts";
import { type Connection, createConnection } from "mysql2/promise";
import { pino } from "pino";
import { Snowflakes } from "../../../app/domain/snowflake.ts";
import type { OpenStore } from "../../../app/store/mysql/open.ts";
import { openStore } from "../../../app/store/open.ts";
import { ControlRow } from "../../../app/store/record/control.ts";
import { moveRecord, readRecord } from "../../../app/store/record/item.ts";
import { RecordMover } from "../../../app/store/record/mover.ts";
import { Ferry } from "../../support/ferry.ts";
import { startSecretsManager } from "../../support/secrets-manager.ts";
import { type ServerProcess, startServerProcess } from "../../support/server-process.ts";
import { type TestDatabase, testDatabase } from "../../support/test-database.ts";
import { localAccess, sharedEmulator, type TestTable, testTable } from "../../support/test-dynamo.ts";
import { TestSecrets } from "../../support/test-secrets.ts";

/** Servers of the real bundle over both stores. */
export interface Servers {
  start(env?: NodeJS.ProcessEnv): Promise<ServerProcess>;
  stop(): Promise<void>;
}

/** A stack's two stores, and what moves the record between them. */
export interface TwoStores {
  readonly database: TestDatabase;
  readonly admin: Connection;
  readonly made: TestTable;
  readonly ferry: Ferry;
  readonly secrets: TestSecrets;
  /** A coordinator; two of them are two processes'. */
  mover(who?: string): RecordMover;
  /** A server's store, over wires of its own where ports are given. */
  open(ports?: { mysql?: number; dynamodb?: number }): Promise<OpenStore>;
  /** The store of a server that has the table alone. */
  openTable(): Promise<OpenStore>;
  /**
   * Makes DynamoDB the record as a migration does, everything carried over. Returns the milliseconds that carrying took
   * while writes waited.
   */
  switchOver(mover?: RecordMover): Promise<number>;
  /** Makes MySQL the record again. */
  switchBack(mover?: RecordMover): Promise<number>;
  nextId(): string;
}

export async function twoStores(): Promise<TwoStores> {
  const [database, made] = [await testDatabase(), await testTable()];
  const { endpoint } = await sharedEmulator();
  const secrets = new TestSecrets(database.admin);
  const admin = await database.connect();
  const ferry = new Ferry(admin, made);
  const ids = new Snowflakes(() => Date.now());
  ids.use({ worker: 0, from: 0, until: Number.MAX_SAFE_INTEGER });
  const { host, port, database: name } = database.address;
  const connect = (login = database.admin) =>
    createConnection({ host, port, user: login.username, password: login.password, database: name });
  const serverLogin = async () => (await secrets.read("app")) ?? database.admin;
  const item = {
    read: () => readRecord(made.table),
    move: (...move: Parameters<typeof moveRecord> extends [unknown, ...infer Rest] ? Rest : never) =>
      moveRecord(made.table, ...move),
  };
  const asServer = async () => connect(await serverLogin());
  const mover = (who = "test") => new RecordMover({ item, control: new ControlRow(() => connect(), asServer), who });
  return {
    database,
    admin,
    made,
    ferry,
    secrets,
    mover,
    nextId: () => ids.next(),
    open: (ports = {}) =>
      openStore({
        database: {
          address: { ...database.address, port: ports.mysql ?? port },
          secrets,
          adminSecret: "admin",
          appSecret: "app",
        },
        tableName: made.table.name,
        log: pino({ level: process.env.LOG_LEVEL ?? "silent" }),
        client: { ...localAccess, endpoint: ports.dynamodb ? `http://127.0.0.1:${ports.dynamodb}` : endpoint },
      }),
    openTable: () =>
      openStore({
        tableName: made.table.name,
        log: pino({ level: "silent" }),
        client: { ...localAccess, endpoint },
      }),
    async switchOver(by = mover()) {
      // Most of it before the fence, as a migration does.
      for (let pass = 0; pass < 3; pass++) await ferry.toDynamo();
      await by.fence();
      const carrying = await timed(() => ferry.toDynamo());
      await by.open();
      await by.flip();
      await by.note();
      return carrying;
    },
    async switchBack(by = mover()) {
      for (let pass = 0; pass < 3; pass++) await ferry.toMysql();
      await by.close();
      const carrying = await timed(() => ferry.toMysql());
      await by.openBack();
      await by.flipBack();
      return carrying;
    },
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

export async function serversOver({ database, made, secrets: known }: TwoStores): Promise<Servers> {
  const { endpoint } = await sharedEmulator();
  const secrets = await startSecretsManager({ admin: JSON.stringify(database.admin), app: "" });
  const running: ServerProcess[] = [];
  return {
    async start(env = {}) {
      const server = await startServerProcess({
        database: database.address,
        secretsEndpoint: secrets.endpoint,
        env: { TABLE_NAME: made.table.name, AWS_ENDPOINT_URL_DYNAMODB: endpoint, ...env },
      });
      running.push(server);
      await server.ready();
      known.values.set("app", JSON.parse(secrets.values.get("app") as string) as Credentials);
      return server;
    },
    async stop() {
      for (const { process } of running) process.kill("SIGCONT");
      await Promise.all(running.map((server) => server.stop()));
      await secrets.stop();
    },
  };
}
