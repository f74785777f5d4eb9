import assert from "node:assert/strict";
import { join } from "node:path";
import { checkLedger } from "../../climb/traffic/check.ts";
import { startTraffic, type Traffic } from "../../climb/traffic/process.ts";
import { temporaryFolder } from "../support/folder.ts";
import { inWords, type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { until } from "../support/wait.ts";

describe("parts that are killed under traffic", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const ledger = join(folder, "ledger");
  let local: LocalStack;
  let traffic: Traffic;
  let answered = 0;

  before(async () => {
    local = await startLocalStack(folder);
    const { ok, reason } = await local.up(3);
    assert.ok(ok, reason);
    traffic = await startTraffic({
      target: await local.aws.target(),
      rate: 50,
      ledger,
      onStats: ({ requests, failures }) => {
        answered = requests - failures;
      },
    });
  });
  after(async () => {
    await traffic?.stop();
    await local?.stop();
  });

  /** Waits until people are answered again, then looks up every acknowledged write. */
  async function recovers(): Promise<void> {
    const before = answered;
    await until(() => answered > before + 100, { timeout: 60_000, describe: "requests are answered again" });
    await traffic.pause();
    const database = await local.aws.database();
    assert.ok(database);
    const { rows, found, duplicates, samples } = await checkLedger(ledger, database);
    assert.deepEqual({ found, duplicates, samples }, { found: rows, duplicates: 0, samples: [] });
    await traffic.resume();
  }

  async function unchanged(): Promise<void> {
    const { ok, reason, progress } = await local.up(3);
    assert.ok(ok, reason);
    assert.deepEqual(inWords(progress.changes), []);
  }

  it("the database comes back with every acknowledged write", async () => {
    const { database } = await local.aws.status();
    assert.ok(database?.pid);
    process.kill(database.pid, "SIGKILL");
    await until(async () => (await local.aws.status()).database?.pid !== database.pid, {
      timeout: 30_000,
      describe: "the database runs again",
    });
    await recovers();
    await unchanged();
  });

  it("a server is replaced while the other one goes on", async () => {
    const [first] = (await local.aws.status()).instances;
    assert.ok(first?.pid);
    process.kill(first.pid, "SIGKILL");
    await recovers();
    await until(
      async () => {
        const { instances } = await local.aws.status();
        const healthy = instances.filter(({ targets }) => targets.some(({ state }) => state === "healthy"));
        return healthy.length >= 2;
      },
      { timeout: 60_000, describe: "two servers are healthy" },
    );
    await unchanged();
  });
});
