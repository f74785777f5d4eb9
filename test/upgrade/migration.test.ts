import assert from "node:assert/strict";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { insertHistory } from "../../climb/history/insert.ts";
import { Migration, migrationProblems } from "../../climb/migration.ts";
import { checkLedger } from "../../climb/traffic/check.ts";
import { startTraffic, type Traffic } from "../../climb/traffic/process.ts";
import type { MigrationStatus } from "../../app/migration/model.ts";
import { migratingClient } from "../../app/migration/client.ts";
import { DynamoTable } from "../../app/store/dynamodb/dynamo-table.ts";
import { differences } from "../support/both-stores.ts";
import { temporaryFolder } from "../support/folder.ts";
import { inWords, type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { localAccess } from "../support/test-dynamo.ts";
import { until } from "../support/wait.ts";
import { assertNoneFailed, makeMove } from "./move.ts";

/** Less than elsewhere: every write is made twice, and read twice, on the same processors. */
const rate = 50;

/** A tenth of what a climb has by itself. */
const scale = 0.1;

/** Into phase 5 by each way and out again, on one stack: what an earlier migration left is there when the next begins. */
describe("migrations under traffic", function () {
  this.timeout(600_000);
  const folder = temporaryFolder();
  const ledger = join(folder, "ledger");
  let local: LocalStack;
  let traffic: Traffic;
  let requests = 0;
  let lines: readonly string[] = [];

  before(async () => {
    local = await startLocalStack(folder);
    const first = await local.up(4);
    assert.ok(first.ok, first.reason);
    traffic = await startTraffic({
      target: await local.aws.target(),
      rate,
      ledger,
      onStats: (stats) => {
        requests = stats.requests;
      },
    });
    await insertHistory({ database: await database(), scale, file: join(folder, "history") });
  });
  after(async () => {
    await traffic?.stop();
    await local?.stop();
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") console.error(lines.join("\n"));
  });

  async function database() {
    const found = await local.aws.database();
    assert.ok(found);
    return found;
  }

  const move = (phase: number) => makeMove({ local, traffic, requests: () => requests, rate }, phase);

  async function openMigration(): Promise<Migration> {
    const show = (shown: readonly string[]) => {
      lines = shown;
    };
    const { signal } = new AbortController();
    return Migration.open({ ...local, show, signal, patience: 300_000 });
  }

  /** Holds every row against every item by itself, whatever the worker says; nobody writes meanwhile. */
  async function assertSame(): Promise<void> {
    const { dynamodb } = await local.aws.status();
    const { tableName } = await local.stack.outputs();
    assert.ok(dynamodb && typeof tableName === "string");
    const client = migratingClient({ ...localAccess, endpoint: dynamodb.endpoint });
    const admin = await createConnection({ ...(await database()), supportBigNumbers: true, bigNumberStrings: true });
    const table = new DynamoTable({ client, name: tableName });
    assert.deepEqual(await differences({ connect: async () => admin }, { client, table }), []);
    await admin.end();
    client.destroy();
  }

  /** Waits until the worker says so. */
  async function untilIts(migration: Migration, describe: string, is: (status: MigrationStatus) => boolean) {
    await until(async () => is((await migration.status()) as MigrationStatus), { timeout: 120_000, describe });
  }

  for (const [index, strategy] of (["snapshot", "dual-write", "bulk"] as const).entries()) {
    describe(`by ${strategy}`, () => {
      let migration: Migration;

      it("4 → 5 takes nothing away, and no request fails", async () => {
        await local.stack.configure({ "chirp:migration": strategy });
        const { progress } = await move(5);
        assert.deepEqual(inWords(progress.changes, "delete"), []);
        migration = await openMigration();
      });

      if (strategy === "snapshot") {
        it("goes on after kill -9 of the worker and of the copy", async () => {
          const begin = Date.now();
          await untilIts(migration, "the worker is at work", ({ updatedAt }) => Date.parse(updatedAt) > begin);
          const { copies } = await local.aws.status();
          assert.ok(copies[0]?.pid);
          process.kill(copies[0].pid, "SIGKILL");
          const worker = await workerProcess();
          const { fence } = (await migration.status()) as MigrationStatus;
          process.kill(worker, "SIGKILL");
          await untilIts(migration, "another worker goes on", (status) => status.fence > fence);
          assert.notEqual(await workerProcess(), worker);
        });
      }

      it("becomes ready while people write", async () => {
        await migration.ready();
        await assertNoneFailed(traffic);
      });

      it("is equal in the end, row by row and item by item, with every acknowledged write", async () => {
        await traffic.pause();
        try {
          const report = await migration.verify(0);
          assert.deepEqual(migrationProblems(report), []);
          assert.deepEqual([report.run, report.strategy], [index + 1, strategy]);
          assert.ok(report.verified.rows > 8000, `only ${report.verified.rows} rows`);
          await assertSame();
          const check = await checkLedger(ledger, await database(), await local.aws.target());
          const { rows, found, duplicates, samples } = check;
          assert.deepEqual({ found, duplicates, samples }, { found: rows, duplicates: 0, samples: [] });
        } finally {
          await traffic.resume();
        }
      });

      it("changes nothing when phase 5 is brought up again", async () => {
        const again = await local.up(5);
        assert.ok(again.ok, again.reason);
        assert.deepEqual(inWords(again.progress.changes), []);
      });

      it("5 → 4 ends it and keeps the tables", async () => {
        const { progress } = await move(4);
        const deleted = inWords(progress.changes, "delete");
        assert.ok(deleted.length > 10);
        for (const change of deleted) assert.doesNotMatch(change, /^delete Table /);
        assert.equal((await local.aws.status()).dynamodb?.tables.length, 2);
      });
    });
  }

  async function workerProcess(): Promise<number> {
    const running = async () => {
      const { groups, instances } = await local.aws.status();
      const members = groups.find(({ name }) => name.includes("worker"))?.members ?? [];
      return instances.find(({ id, pid }) => pid && members.some((member) => member.id === id))?.pid;
    };
    return until(running, { timeout: 60_000, describe: "the worker runs" });
  }
});
