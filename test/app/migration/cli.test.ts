import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { claimJournal } from "../../../app/migration/journal.ts";
import type { DeadLetter, Journal } from "../../../app/migration/model.ts";
import { Director, noDifferences } from "../../../app/migration/work/director.ts";
import { Troubles } from "../../../app/migration/work/perseverance.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { localAccess, sharedEmulator, type TestTable, testTable } from "../../support/test-dynamo.ts";
import { until } from "../../support/wait.ts";
import { equal, ScriptedWork, untilAborted } from "./scripted-work.ts";
import { aStatus, readyStatus } from "./statuses.ts";

const main = resolve(import.meta.dirname, "../../../tools/migration/main.ts");

interface Result {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

describe("npm run migration", function () {
  this.timeout(60_000);
  let made: TestTable;
  let journal: Journal;
  let endpoint: string;

  before(async () => {
    ({ endpoint } = await sharedEmulator());
  });
  beforeEach(async () => {
    made = await testTable();
    journal = await claimJournal({ client: made.client, tableName: made.table.name, run: 1 });
  });

  function start(args: string[]) {
    const child = spawn(process.execPath, [main, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env.PATH,
        AWS_ENDPOINT_URL_DYNAMODB: endpoint,
        AWS_ACCESS_KEY_ID: localAccess.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: localAccess.credentials.secretAccessKey,
      },
    });
    const printed = { out: "", err: "" };
    child.stdout.on("data", (chunk) => (printed.out += chunk));
    child.stderr.on("data", (chunk) => (printed.err += chunk));
    const ended = new Promise<Result>((done) => child.once("close", (code) => done({ code, ...printed })));
    return { child, printed, ended };
  }

  const run = (...args: string[]) => start(args).ended;
  const onAws = () => ["--table", made.table.name, "--region", localAccess.region];
  const fresh = () => ({ updatedAt: new Date().toISOString() });

  /** A worker whose work is scripted, over the journal. */
  async function work(scripted: ScriptedWork, meanwhile: () => Promise<void>): Promise<void> {
    const controller = new AbortController();
    const director: Director = new Director({
      journal,
      work: scripted,
      troubles: new Troubles(),
      log: { info: () => {}, warn: () => {} },
      signal: controller.signal,
      publish: () =>
        journal.put("status", {
          ...readyStatus,
          ...fresh(),
          stage: director.step,
          step: director.step,
          paused: director.isPaused,
          verification: director.verification,
          deadLetters: scripted.letters,
        }),
    });
    const running = director.run();
    try {
      await until(() => director.step === "ready" || director.verification.finishedAt, { describe: "it is verified" });
      await until(async () => (await journal.get("status")) !== undefined, { describe: "there is a status" });
      await meanwhile();
    } finally {
      controller.abort();
      await running;
      await director.ended();
    }
  }

  it("shows where the worker is", async () => {
    await journal.put("status", aStatus(fresh()));
    const { code, out } = await run("status", ...onAws());
    assert.match(out, /^Migration 1 by snapshot: backfill\n {2}✓ preflight {2}▸ backfill/);
    assert.equal(code, 0);
  });

  it("lists what was refused and what differs, as JSON too, and fails where the worker has", async () => {
    const letter: DeadLetter = { kind: "mapping", key: "posts/1", reason: "no text", at: "2026-01-01T00:00:00.000Z" };
    await journal.put("dead/posts/1", letter);
    const mismatch = { key: "posts/2", kind: "missing" };
    await journal.put("verify/mismatch/posts/2", mismatch);
    const status = aStatus({ ...fresh(), stage: "failed", deadLetters: 1, problem: "Do something." });
    await journal.put("status", status);
    const shown = await run("status", ...onAws());
    assert.match(shown.out, /! Do something\.\n {4}posts\/1: mapping, no text\n {4}posts\/2: missing/);
    assert.equal(shown.code, 1);
    const { code, out } = await run("--json", ...onAws());
    assert.deepEqual(JSON.parse(out), {
      ...status,
      letters: [letter],
      mismatches: [mismatch],
    });
    assert.equal(code, 1);
  });

  it("says when nothing is heard of the worker", async () => {
    await journal.put("status", readyStatus);
    const { code, out } = await run("status", ...onAws());
    assert.match(out, /Nothing has been heard of the worker for .*: is it running\?/);
    assert.equal(code, 1);
  });

  it("verifies and repairs: 0 only when everything is equal", async () => {
    const scripted = new ScriptedWork();
    await work(scripted, async () => {
      const good = await run("verify", "--json", ...onAws());
      assert.equal(good.code, 0, good.err);
      assert.equal(JSON.parse(good.out).verification.rows, equal.rows);
      scripted.doing.verify = async () => ({
        ...equal,
        differences: { ...noDifferences, stale: 3 },
      });
      const bad = await run("verify", ...onAws());
      assert.equal(bad.code, 1);
      assert.match(bad.out, /3 stale/);
      delete scripted.doing.verify;
      const repaired = await run("repair", ...onAws());
      assert.equal(repaired.code, 0, repaired.err);
      assert.match(repaired.out, /no differences/);
      scripted.letters = 1;
      assert.equal((await run("verify", ...onAws())).code, 1);
    });
    assert.equal(scripted.calls.filter((name) => name === "verify").length, 5);
  });

  it("pauses and goes on", async () => {
    const scripted = new ScriptedWork();
    await work(scripted, async () => {
      const paused = await run("pause", ...onAws());
      assert.match(paused.out, /^Migration 1 by snapshot: ready, paused/);
      assert.equal(paused.code, 0);
      assert.ok(scripted.isPaused);
      const refused = await run("verify", ...onAws());
      assert.match(refused.err, /The worker is paused.*npm run migration -- resume/);
      assert.equal(refused.code, 1);
      assert.equal((await run("resume", ...onAws())).code, 0);
      assert.equal(scripted.isPaused, false);
    });
  });

  it("watches until it is stopped, telling what is new", async () => {
    const scripted = new ScriptedWork();
    await work(scripted, async () => {
      const watching = start(["--watch", ...onAws()]);
      await until(() => watching.printed.out.includes(": ready\n"), { describe: "ready is shown" });
      scripted.doing.verify = untilAborted;
      await run("pause", ...onAws());
      await until(() => watching.printed.out.includes(": ready, paused\n"), { describe: "the pause is shown" });
      watching.child.kill("SIGINT");
      assert.equal((await watching.ended).code, 0);
    });
  });

  describe("on this machine", () => {
    const folder = temporaryFolder();
    let server: Server;
    let dynamodb: unknown;
    before(async () => {
      server = createServer((_request, response) => response.end(JSON.stringify({ dynamodb })));
      await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
      mkdirSync(join(folder, "logs"));
      const { port } = server.address() as AddressInfo;
      const ready = { type: "ready", providerPort: 1, endpoint: `http://127.0.0.1:${port}`, entryUrl: "" };
      writeFileSync(join(folder, "logs", "aws.log"), `a warning\n${JSON.stringify(ready)}\n`);
    });
    after(() => {
      server.closeAllConnections();
      server.close();
    });

    it("finds the journal among the tables of the running stack", async () => {
      const other = await testTable();
      await journal.put("status", { ...readyStatus, ...fresh() });
      dynamodb = { endpoint, pid: 1, tables: [other.table.name, made.table.name] };
      const { code, out, err } = await run("status", "--dir", folder);
      assert.match(out, /^Migration 1 by snapshot: ready/, err);
      assert.equal(code, 0);
      dynamodb = { endpoint, pid: 1, tables: [other.table.name] };
      assert.match((await run("--dir", folder)).err, /No worker has begun yet in .*: look again/);
      dynamodb = null;
      assert.match((await run("--dir", folder)).err, /has no DynamoDB table: it is not in a phase/);
    });

    it("says what is not there, without a stack trace", async () => {
      const nowhere = await run("--dir", join(folder, "nowhere"));
      assert.match(nowhere.err, /^There is no running stack in .*nowhere: start one with npm start.*\n$/);
      assert.equal(nowhere.code, 1);
      const missing = await run("--table", "no-such-table", "--region", "eu-central-1");
      assert.match(missing.err, /^DynamoDB cannot be reached: .*\n$/);
      assert.equal(missing.code, 1);
      const wrong = await run("explode", "--table", "t", "--dir", "d");
      assert.match(wrong.err, /"explode" is no command.*\n.*give one of them\n.*--region/);
      assert.equal(wrong.code, 2);
    });
  });
});
