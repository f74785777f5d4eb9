import { type Connection, type RowDataPacket } from "mysql2/promise";
import type { DeadLetter, DeadLetters, Sink } from "../../../app/migration/model.ts";
import { drainOutbox, type OutboxDrain } from "../../../app/migration/outbox/drain.ts";
import { migratingClient } from "../../../app/migration/client.ts";
import { createSink } from "../../../app/migration/sink/sink.ts";
import { Database } from "../../../app/store/mysql/database.ts";
import { type TestDatabase, testDatabase } from "../../support/test-database.ts";
import { localAccess, sharedEmulator, type TestTable, testTable } from "../../support/test-dynamo.ts";
import { until } from "../../support/wait.ts";
import { type OpenedStore, openTestStore } from "../mysql/opened.ts";

/** Dead letters in memory. */
export class Letters implements DeadLetters {
  readonly all = new Map<string, DeadLetter>();

  async add(letter: Omit<DeadLetter, "at">): Promise<void> {
    if (!this.all.has(letter.key)) this.all.set(letter.key, { ...letter, at: new Date().toISOString() });
  }

  async resolve(key: string): Promise<void> {
    this.all.delete(key);
  }

  async list(): Promise<DeadLetter[]> {
    return [...this.all.values()];
  }
}

/** A drain that is at work. */
export interface RunningDrain extends OutboxDrain {
  /** Keys of the rows that it gave to its sink, in their order. */
  readonly applied: string[];
  stop(): Promise<void>;
}

/** A store whose writes go to the outbox, and drains that work as the worker's user. */
export class OutboxFixture {
  readonly opened: OpenedStore;
  readonly admin: Connection;
  readonly made: TestTable;
  readonly letters = new Letters();
  readonly warnings: string[] = [];
  readonly #drains: RunningDrain[] = [];
  readonly #databases: Database[] = [];

  static async make(database?: TestDatabase): Promise<OutboxFixture> {
    database ??= await testDatabase();
    const opened = await openTestStore(database);
    const admin = await database.connect();
    await admin.query("UPDATE control SET outbox = 1");
    const name = database.address.database;
    const user = `'${name}'@'%'`;
    await admin.query(`CREATE USER ${user} IDENTIFIED BY 'worker'`);
    await admin.query(`GRANT SELECT ON ${name}.* TO ${user}`);
    await admin.query(`GRANT UPDATE, DELETE ON ${name}.outbox TO ${user}`);
    // With the patience of those who write here: an emulator on a busy machine takes its time.
    const client = migratingClient({ ...localAccess, endpoint: (await sharedEmulator()).endpoint });
    return new OutboxFixture(opened, admin, { ...(await testTable()), client });
  }

  private constructor(opened: OpenedStore, admin: Connection, made: TestTable) {
    this.opened = opened;
    this.admin = admin;
    this.made = made;
  }

  /** The database as the worker sees it. @param port a port that leads to it, such as a proxy's */
  workerDatabase(port?: number): Database {
    const { address } = this.opened.database;
    const credentials = async () => ({ username: address.database, password: "worker" });
    const database = new Database({ address: { ...address, ...(port ? { port } : {}) }, credentials });
    this.#databases.push(database);
    return database;
  }

  drain({ port, made = this.made }: { port?: number; made?: TestTable } = {}): RunningDrain {
    const controller = new AbortController();
    const applied: string[] = [];
    const log = {
      info: () => {},
      warn: (details: unknown, text: string) => this.warnings.push(`${text}: ${JSON.stringify(details)}`),
    } as never;
    const real = createSink({ client: made.client, tableName: made.table.name, fence: 1, log });
    const sink: Pick<Sink, "apply"> = {
      apply: (row, applier) => {
        applied.push(row.key);
        return real.apply(row, applier);
      },
    };
    const drain = drainOutbox({
      database: this.workerDatabase(port),
      sink,
      deadLetters: this.letters,
      signal: controller.signal,
      log,
    });
    const stop = async () => {
      controller.abort();
      await drain.finished;
    };
    const running = { ...drain, applied, stop };
    this.#drains.push(running);
    return running;
  }

  /** How many entries there are, in whatever state. */
  async entries(): Promise<number> {
    const [rows] = await this.admin.query<RowDataPacket[]>("SELECT COUNT(*) AS n FROM outbox");
    return Number(rows[0]?.n);
  }

  async isDrained(): Promise<void> {
    await until(async () => (await this.entries()) === 0, { timeout: 60_000, describe: "the outbox is empty" });
  }

  async close(): Promise<void> {
    await Promise.all(this.#drains.map((drain) => drain.stop()));
    await Promise.all(this.#databases.map((database) => database.close()));
    await this.admin.query(`DROP USER IF EXISTS '${this.opened.database.address.database}'@'%'`);
    await this.opened.close();
    this.made.client.destroy();
  }
}
