import { mkdtempSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type Connection, createConnection } from "mysql2/promise";
import { Snowflakes } from "../../../app/domain/snowflake.ts";
import { beginMigration } from "../../../app/migration/begin.ts";
import { openJournal, type OpenJournal } from "../../../app/migration/journal.ts";
import { migrationLines } from "../../../app/migration/lines.ts";
import type { MigrationStatus, Strategy } from "../../../app/migration/model.ts";
import { servingClient } from "../../../app/store/dynamodb/client.ts";
import { type OpenStore, openMysql } from "../../../app/store/mysql/open.ts";
import { type Database, startDatabase } from "../../../local/parts/database.ts";
import { type Dynamo, startDynamo } from "../../../local/parts/dynamodb.ts";
import { restoreSnapshot } from "../../../local/parts/snapshot/restore.ts";
import { takeSnapshot } from "../../../local/parts/snapshot/take.ts";
import { BusyStore } from "../../support/busy-store.ts";
import { differences } from "../../support/equality.ts";
import { type SecretsManager, startSecretsManager } from "../../support/secrets-manager.ts";
import { type ServerProcess, startServerProcess } from "../../support/server-process.ts";
import { createTestTable, localAccess, sharedEmulator, type TestTable } from "../../support/test-dynamo.ts";
import { until } from "../../support/wait.ts";

const schema = "chirp";

/** A database with people who use it, a table, a journal, and workers in processes of their own. */
export class WorkerFixture {
  readonly strategy: Strategy;
  readonly folder: string;
  readonly endpoint: string;
  /** Only where the emulator is this fixture's own. */
  emulator: Dynamo | undefined;
  primary!: Database;
  copy: Database | undefined;
  readonly secrets: SecretsManager;
  readonly made: TestTable;
  readonly journalTable: TestTable;
  readonly journal: OpenJournal;
  people!: BusyStore;
  admin!: Connection;
  #store!: OpenStore;
  readonly #workers: ServerProcess[] = [];

  /** @param ownEmulator whether the tables are on disk, in an emulator that can be killed */
  static async make(strategy: Strategy, { ownEmulator = false } = {}): Promise<WorkerFixture> {
    const folder = mkdtempSync(join(tmpdir(), "chirp-test-worker-"));
    const emulator = ownEmulator ? await startDynamo({ dir: join(folder, "dynamodb") }) : undefined;
    const { endpoint } = emulator ?? (await sharedEmulator());
    const patient = { requestHandler: { requestTimeout: 30_000 } };
    const [made, journalTable] = [
      await createTestTable(endpoint, patient),
      await createTestTable(endpoint, patient),
    ] as const;
    const secrets = await startSecretsManager({ admin: "", app: "", worker: "" });
    const fixture = new WorkerFixture(strategy, folder, endpoint, secrets, made, journalTable);
    fixture.emulator = emulator;
    await fixture.#open();
    return fixture;
  }

  private constructor(
    strategy: Strategy,
    folder: string,
    endpoint: string,
    secrets: SecretsManager,
    made: TestTable,
    journalTable: TestTable,
  ) {
    this.strategy = strategy;
    this.folder = folder;
    this.endpoint = endpoint;
    this.secrets = secrets;
    this.made = made;
    this.journalTable = journalTable;
    this.journal = openJournal({ client: made.client, tableName: journalTable.table.name });
  }

  /** What begin and the servers know secrets by. */
  get secretStore() {
    return {
      read: async (id: string) => {
        const text = this.secrets.values.get(id);
        return text ? (JSON.parse(text) as { username: string; password: string }) : undefined;
      },
      write: async (id: string, value: object) => void this.secrets.values.set(id, JSON.stringify(value)),
    };
  }

  get address() {
    return { host: this.primary.host, port: this.primary.port, database: schema, tls: false };
  }

  async #open(): Promise<void> {
    this.primary = await startDatabase({ dir: join(this.folder, "primary") });
    const { user: username, password } = this.primary;
    this.secrets.values.set("admin", JSON.stringify({ username, password }));
    // As servers have it that know the table: what they write twice, the worker need not.
    const { endpoint } = this;
    const dualWrite = {
      tableName: this.made.table.name,
      log: { warn: () => {} },
      client: servingClient({ ...localAccess, endpoint, maxAttempts: 2 }),
    };
    const { address, secretStore: secrets } = this;
    this.#store = await openMysql({ address, secrets, adminSecret: "admin", appSecret: "app", dualWrite });
    const ids = new Snowflakes(() => Date.now());
    ids.use({ worker: 0, from: 0, until: Number.MAX_SAFE_INTEGER });
    this.people = new BusyStore(this.#store.store, () => ids.next());
    this.admin = await this.connect();
  }

  /** A connection of the administrator to the primary. */
  connect(): Promise<Connection> {
    const { host, port, user, password } = this.primary;
    return createConnection({
      host,
      port,
      user,
      password,
      database: schema,
      supportBigNumbers: true,
      bigNumberStrings: true,
    });
  }

  /** Kills the primary and starts it again over its data. */
  async restartPrimary(meanwhile: () => Promise<void> = async () => {}): Promise<void> {
    await kill(this.primary);
    await meanwhile();
    this.primary = await startDatabase({ ...this.primary, dir: join(this.folder, "primary") });
    this.admin = await this.connect();
  }

  /** Kills the copy and starts it again over its data. */
  async restartCopy(): Promise<void> {
    if (!this.copy) throw new Error(`with ${this.strategy} there is no copy`);
    await kill(this.copy);
    this.copy = await startDatabase({ ...this.copy, dir: join(this.folder, "copy") });
  }

  /** Kills the emulator and starts it again over its data. */
  async restartEmulator(): Promise<void> {
    if (!this.emulator) throw new Error("the emulator is not this fixture's own");
    await kill(this.emulator);
    this.emulator = await startDynamo({
      dir: join(this.folder, "dynamodb"),
      port: Number(new URL(this.endpoint).port),
    });
  }

  /** Begins the run as an update does: with a snapshot strategy, a server is restored from a snapshot afterwards. */
  async begin(): Promise<void> {
    await beginMigration({
      admin: this.admin,
      database: schema,
      secrets: this.secretStore,
      workerSecret: "worker",
      journal: this.journal,
      run: 1,
      strategy: this.strategy,
      log: { info: () => {} },
    });
    if (this.strategy === "snapshot") await this.#restoreCopy();
  }

  async #restoreCopy(): Promise<void> {
    const folder = join(this.folder, "snapshot");
    await mkdir(folder);
    const content = await takeSnapshot(this.primary, folder);
    const tables = content.tables.map((table) => ({ ...table, file: basename(table.file) }));
    this.copy = await startDatabase({ dir: join(this.folder, "copy") });
    await restoreSnapshot(this.copy, { ...content, tables }, folder);
  }

  async startWorker(more: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
    const worker = await startServerProcess({
      database: this.address,
      secretsEndpoint: this.secrets.endpoint,
      env: {
        ROLE: "migration",
        AWS_ENDPOINT_URL_DYNAMODB: this.endpoint,
        AWS_REGION: localAccess.region,
        WORKER_SECRET: "worker",
        TABLE_NAME: this.made.table.name,
        JOURNAL_TABLE: this.journalTable.table.name,
        STRATEGY: this.strategy,
        RUN: "1",
        STACK: "test",
        ...(this.copy ? { COPY_HOST: this.copy.host, COPY_PORT: String(this.copy.port) } : {}),
        ...more,
      },
    });
    this.#workers.push(worker);
    return worker;
  }

  /** Waits until the worker's page says so. */
  status(
    worker: ServerProcess,
    says: (status: MigrationStatus) => boolean,
    describe: string,
    timeout = 150_000,
  ): Promise<MigrationStatus> {
    let last = "nothing";
    const wait = until(
      async () => {
        const response = await fetch(`${worker.url}/status`);
        last = await response.clone().text();
        if (!response.ok) return undefined;
        const status = (await response.json()) as MigrationStatus;
        last = migrationLines(status).join("\n");
        return says(status) ? status : undefined;
      },
      { timeout, describe },
    );
    return wait.catch((error: Error) => {
      throw new Error(`${error.message}\nThe status was: ${last}\nThe worker logged:\n${worker.log().slice(-4000)}`);
    });
  }

  /** Stops the people, waits until everything is written, and tells what differs. */
  async settle(worker: ServerProcess): Promise<string[]> {
    await this.people.stop();
    let found: string[] = [];
    await until(
      async () => {
        found = await differences(this.admin, this.made);
        return found.length === 0;
      },
      { timeout: 30_000 },
    ).catch(() => {});
    if (found.length > 0) console.error(worker.log().slice(-4000));
    return found;
  }

  async close(): Promise<void> {
    await this.people?.stop();
    for (const worker of this.#workers) worker.process.kill("SIGKILL");
    await this.#store?.close();
    this.admin?.destroy();
    await this.copy?.stop();
    await this.primary?.stop();
    await this.emulator?.stop();
    await this.secrets.stop();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** As the machine does when it is out of memory, or gone. */
async function kill({ pid, exited }: { readonly pid: number; readonly exited: Promise<unknown> }): Promise<void> {
  process.kill(pid, "SIGKILL");
  await exited;
}
