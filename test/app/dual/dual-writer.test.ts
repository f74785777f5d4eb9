import assert from "node:assert/strict";
import type { Connection, RowDataPacket } from "mysql2/promise";
import { migratingClient } from "../../../app/migration/client.ts";
import { originAttribute } from "../../../app/store/dynamodb/mapping.ts";
import { allItems, differences } from "../../support/both-stores.ts";
import { type Faults, injectFaults } from "../../support/faults.ts";
import { Life } from "../../support/life.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";
import { testDatabase } from "../../support/test-database.ts";
import { localAccess, sharedEmulator, type TestTable, testTable } from "../../support/test-dynamo.ts";
import { until } from "../../support/wait.ts";
import { type OpenedStore, openTestStore } from "../mysql/opened.ts";

describe("Dual writing", function () {
  this.timeout(120_000);
  let opened: OpenedStore;
  let admin: Connection;
  let made: TestTable;
  let life: Life;
  /** Between the server and DynamoDB. */
  let wire: TcpProxy;
  const faults: Faults = {};
  const warnings: unknown[] = [];

  before(async () => {
    const { host, port } = new URL((await sharedEmulator()).endpoint);
    made = await testTable();
    wire = await startTcpProxy({ host: host.split(":")[0] as string, port: Number(port) });
    const client = migratingClient({ ...localAccess, endpoint: `http://127.0.0.1:${wire.port}` });
    injectFaults(client, faults);
    const database = await testDatabase();
    const log = { warn: (...line: unknown[]) => void warnings.push(line) };
    opened = await openTestStore(database, undefined, { tableName: made.table.name, log: log as never, client });
    admin = await database.connect();
    await admin.query("UPDATE control SET outbox = 1");
    life = new Life(opened);
  });
  after(async () => {
    await opened?.close();
    await wire?.stop();
  });

  async function count(state: number): Promise<number> {
    const [rows] = await admin.query<RowDataPacket[]>("SELECT COUNT(*) AS n FROM outbox WHERE state = ?", [state]);
    return Number(rows[0]?.n);
  }

  async function live(steps: number): Promise<number> {
    const begin = performance.now();
    for (let step = 0; step < steps; step++) await life.step();
    return performance.now() - begin;
  }

  const isWritten = () =>
    until(async () => (await count(0)) === 0, { describe: "nothing waits in the outbox", timeout: 60_000 });

  it("brings every write to the other store by itself, marked with its origin", async () => {
    await live(150);
    await isWritten();
    assert.deepEqual(await differences(opened.database, made), []);
    assert.ok((await count(1)) > 60);
    for (const item of (await allItems(made)).values()) assert.equal(item[originAttribute]?.S, "dual-write");
  });

  it("holds no request up, and fails none, while the other store is throttled, slow, frozen or away", async () => {
    const healthy = await live(60);
    const withTrouble: Record<string, number> = {};
    faults.throttled = 1;
    withTrouble.throttled = await live(60);
    faults.throttled = 0;
    faults.lost = 1;
    withTrouble["answers lost"] = await live(60);
    faults.lost = 0;
    wire.freeze();
    withTrouble.frozen = await live(60);
    await wire.stop();
    withTrouble.away = await live(60);
    wire = await startTcpProxy(
      { host: "127.0.0.1", port: Number(new URL((await sharedEmulator()).endpoint).port) },
      wire.port,
    );
    for (const [trouble, duration] of Object.entries(withTrouble))
      assert.ok(duration < healthy * 4, `${trouble}: ${duration} ms against ${healthy}`);
    assert.ok(warnings.length > 0);
    assert.ok(warnings.length < 10, "a line per write");
  });

  it("forgets nothing of that, and goes on by itself", async () => {
    // What was given up waits under its lease's end for the batch writer, and is exactly what differs.
    const [rows] = await admin.query<RowDataPacket[]>("SELECT changed FROM outbox WHERE state = 0");
    const left = new Set(rows.flatMap(({ changed }) => JSON.parse(changed) as string[]));
    assert.ok(left.size > 0);
    const differing = new Set((await differences(opened.database, made)).map((line) => line.split(":")[0] as string));
    for (const key of differing) assert.ok(left.has(key), `${key} is in neither the other store nor the outbox`);
    const before = await count(1);
    await until(
      async () => {
        await life.step();
        return (await count(1)) > before + 5;
      },
      { describe: "writes arrive again", timeout: 60_000 },
    );
  });
});
