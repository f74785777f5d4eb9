import assert from "node:assert/strict";
import { once } from "node:events";
import { DeleteItemCommand } from "@aws-sdk/client-dynamodb";
import type { MigrationStatus } from "../../../app/migration/model.ts";
import { keys } from "../../../app/store/dynamodb/keys.ts";
import { attributes } from "../../../app/store/dynamodb/dynamo-table.ts";
import type { ServerProcess } from "../../support/server-process.ts";
import { until } from "../../support/wait.ts";
import { WorkerFixture } from "./worker-fixture.ts";

const isReady = ({ stage }: MigrationStatus) => stage === "ready";

describe("the worker", function () {
  this.timeout(400_000);
  let fixture: WorkerFixture;
  afterEach(() => fixture?.close());

  const kill = async (worker: ServerProcess) => {
    worker.process.kill("SIGKILL");
    await once(worker.process, "exit");
  };

  for (const strategy of ["snapshot", "bulk", "dual-write"] as const)
    it(`brings everything over by ${strategy} while people write, and keeps it equal`, async () => {
      fixture = await WorkerFixture.make(strategy);
      await fixture.people.fill(30, 200);
      fixture.people.start(1);
      await fixture.begin();
      const worker = await fixture.startWorker();
      const ready = await fixture.status(worker, isReady, "it is ready");
      assert.ok(ready.verification.rows >= 200);
      assert.equal(ready.problem, null);
      assert.equal(ready.binlog === null, strategy === "dual-write");
      assert.equal(ready.outbox === null, strategy !== "dual-write");
      const { writes } = fixture.people;
      await until(() => fixture.people.writes > writes + 50, { describe: "people go on writing" });
      assert.deepEqual(await fixture.settle(worker), []);
      assert.match(worker.log(), /"Namespace":"Chirp\/Migration"/);
      assert.equal(await worker.stop(), 0);
    });

  for (const strategy of ["snapshot", "dual-write"] as const)
    it(`goes on by ${strategy} after being killed at any moment, and loses nothing`, async () => {
      fixture = await WorkerFixture.make(strategy);
      await fixture.people.fill(30, 250);
      fixture.people.start(1);
      await fixture.begin();
      const fences: number[] = [];
      for (let life = 0; life < 6; life++) {
        const worker = await fixture.startWorker();
        const { fence } = await fixture.status(worker, () => true, "it works");
        fences.push(fence);
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 1500));
        await kill(worker);
      }
      assert.deepEqual(
        fences,
        [...fences].sort((one, other) => one - other),
      );
      const worker = await fixture.startWorker();
      await fixture.status(worker, isReady, "it is ready");
      assert.deepEqual(await fixture.settle(worker), []);
    });

  it("comes to an end whatever is killed at any moment: worker, database, copy or the table's server", async () => {
    fixture = await WorkerFixture.make("snapshot", { ownEmulator: true });
    await fixture.people.fill(20, 150);
    fixture.people.start(1);
    await fixture.begin();
    let worker = await fixture.startWorker();
    const victims = {
      worker: async () => {
        await kill(worker);
        worker = await fixture.startWorker();
      },
      primary: () => fixture.restartPrimary(),
      copy: () => fixture.restartCopy(),
      emulator: () => fixture.restartEmulator(),
    };
    // The copy is of use during the backfill only.
    for (const victim of ["copy", "emulator", "worker", "primary", "emulator", "worker", "primary"] as const) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 1500));
      await victims[victim]();
    }
    await fixture.status(worker, isReady, "it is ready");
    assert.deepEqual(await fixture.settle(worker), []);
  });

  it("is deposed by another and stands by; takes over again when that one is dead", async () => {
    fixture = await WorkerFixture.make("bulk");
    await fixture.people.fill(20, 150);
    fixture.people.start(1);
    await fixture.begin();
    const older = await fixture.startWorker();
    const { fence } = await fixture.status(older, () => true, "the older works");
    const newer = await fixture.startWorker();
    await fixture.status(newer, isReady, "the newer is ready");
    // The older shows what the newer does.
    await fixture.status(older, (status) => isReady(status) && status.fence > fence, "the older stands by");
    assert.match(older.log(), /another worker has taken over; standing by/);
    await kill(newer);
    await fixture.status(older, (status) => status.fence > fence + 1 && isReady(status), "the older works again");
    assert.deepEqual(await fixture.settle(older), []);
  });

  it("waits for a database that is killed, says so, and goes on", async () => {
    fixture = await WorkerFixture.make("bulk");
    await fixture.people.fill(20, 150);
    await fixture.begin();
    const worker = await fixture.startWorker();
    await fixture.status(worker, isReady, "it is ready");
    fixture.people.start(1);
    await fixture.restartPrimary(async () => {
      const status = await fixture.status(worker, ({ problem }) => problem !== null, "it says what is wrong");
      assert.notEqual(status.stage, "failed", status.problem ?? "");
      await fixture.status(worker, ({ stage }) => stage === "catch-up", "it is not ready any more");
    });
    await fixture.status(worker, (status) => isReady(status) && status.problem === null, "it is ready again");
    assert.deepEqual(await fixture.settle(worker), []);
  });

  it("pauses, so that changes wait, and catches up when it goes on", async () => {
    fixture = await WorkerFixture.make("bulk");
    await fixture.people.fill(20, 100);
    await fixture.begin();
    const worker = await fixture.startWorker();
    await fixture.status(worker, isReady, "it is ready");
    assert.equal((await fetch(`${worker.url}/commands/pause`, { method: "POST" })).status, 202);
    await fixture.status(worker, ({ paused }) => paused, "it pauses");
    await fixture.people.fill(10, 50);
    await fixture.status(
      worker,
      ({ stage, binlog }) => stage === "catch-up" && (binlog?.lagBytes ?? 0) > 1000,
      "it is behind",
    );
    await fetch(`${worker.url}/commands/resume`, { method: "POST" });
    await fixture.status(worker, (status) => isReady(status) && !status.paused, "it is ready again");
    assert.deepEqual(await fixture.settle(worker), []);
  });

  it("finds what somebody has broken, and repairs it", async () => {
    fixture = await WorkerFixture.make("bulk");
    await fixture.people.fill(20, 100);
    await fixture.begin();
    const worker = await fixture.startWorker();
    await fixture.status(worker, isReady, "it is ready");
    const [rows] = await fixture.admin.query("SELECT MIN(id) AS id FROM users");
    const { id } = (rows as unknown as { id: string }[])[0] as { id: string };
    await fixture.made.client.send(
      new DeleteItemCommand({ TableName: fixture.made.table.name, Key: attributes(keys.user(id)) }),
    );
    await fetch(`${worker.url}/commands/verify`, { method: "POST" });
    const found = await fixture.status(worker, ({ problem }) => problem !== null, "it is found");
    assert.equal(found.stage, "verify");
    assert.equal(found.verification.differences.missing, 1);
    assert.match(found.problem ?? "", /1 missing: repair/);
    const details = (await (await fetch(`${worker.url}/details`)).json()) as { mismatches: { key: string }[] };
    assert.deepEqual(
      details.mismatches.map(({ key }) => key),
      [`users/${id}`],
    );
    await fetch(`${worker.url}/commands/repair`, { method: "POST" });
    await fixture.status(worker, isReady, "it is ready again");
    assert.deepEqual(await fixture.settle(worker), []);
  });

  it("puts a row away that can't be written, is not ready, and is when the row has been put right", async () => {
    fixture = await WorkerFixture.make("bulk");
    await fixture.people.fill(20, 100);
    await fixture.begin();
    const worker = await fixture.startWorker();
    await fixture.status(worker, isReady, "it is ready");
    const [rows] = await fixture.admin.query("SELECT MIN(id) AS id FROM users");
    const { id } = (rows as unknown as { id: string }[])[0] as { id: string };
    const time = (sql: string) =>
      fixture.admin.query(`UPDATE users SET ${sql}, version = version + 1 WHERE id = ?`, [id]);
    await time("created_at = 18446744073709551615");
    const refused = await fixture.status(worker, ({ deadLetters }) => deadLetters === 1, "it is put away");
    assert.match(refused.problem ?? "", /1 row could not be written/);
    await fixture.status(worker, ({ stage }) => stage === "verify", "it is not ready");
    await time("created_at = 1");
    await fixture.status(worker, isReady, "it is ready again");
    assert.deepEqual(await fixture.settle(worker), []);
  });

  it("is failed without a run, and by another strategy than the run's, and says what to do", async () => {
    fixture = await WorkerFixture.make("bulk");
    await fixture.people.fill(10, 20);
    const early = await fixture.startWorker();
    await until(async () => /Nothing is recorded of run 1/.test(await (await fetch(`${early.url}/status`)).text()), {
      describe: "it says that the run was not begun",
    });
    await fixture.begin();
    await fixture.status(early, isReady, "it goes on when the run has been begun");
    const other = await fixture.startWorker({ STRATEGY: "dual-write" });
    await until(() => /has begun by bulk, and this worker is to go on by dual-write/.test(other.log()), {
      describe: "it says that the strategy is another",
    });
  });
});
