import { type Connection, createConnection } from "mysql2/promise";
import { pino } from "pino";
import { Snowflakes } from "../../../app/domain/snowflake.ts";
import type { OpenStore } from "../../../app/store/mysql/open.ts";
import { openStore } from "../../../app/store/open.ts";
import { ControlRow } from "../../../app/store/record/control.ts";
import { moveRecord, readRecord } from "../../../app/store/record/item.ts";
import { RecordMover } from "../../../app/store/record/mover.ts";
import { Ferry } from "../../support/ferry.ts";
import { type TestDatabase, testDatabase } from "../../support/test-database.ts";
import { localAccess, sharedEmulator, type TestTable, testTable } from "../../support/test-dynamo.ts";
import { TestSecrets } from "../../support/test-secrets.ts";

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
  /** Makes DynamoDB the record as a migration does, everything carried over. */
  switchOver(mover?: RecordMover): Promise<void>;
  /** Makes MySQL the record again. */
  switchBack(mover?: RecordMover): Promise<void>;
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
  const { username: user, password } = database.admin;
  const connect = () => createConnection({ host, port, user, password, database: name });
  const item = {
    read: () => readRecord(made.table),
    move: (...move: Parameters<typeof moveRecord> extends [unknown, ...infer Rest] ? Rest : never) =>
      moveRecord(made.table, ...move),
  };
  const mover = (who = "test") => new RecordMover({ item, control: new ControlRow(connect), who });
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
    async switchOver(by = mover()) {
      while ((await ferry.toDynamo()) > 20);
      await by.fence();
      await ferry.toDynamo();
      await by.open();
      await by.flip();
      await by.note();
    },
    async switchBack(by = mover()) {
      while ((await ferry.toMysql()) > 20);
      await by.close();
      await ferry.toMysql();
      await by.openBack();
      await by.flipBack();
    },
  };
}
