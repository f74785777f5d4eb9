import assert from "node:assert/strict";
import { claimJournal, openJournal, type OpenJournal } from "../../../app/migration/journal.ts";
import { Deposed, type Journal } from "../../../app/migration/model.ts";
import { Director, noDifferences } from "../../../app/migration/work/director.ts";
import { Refused, Troubles } from "../../../app/migration/work/perseverance.ts";
import { type TestTable, testTable } from "../../support/test-dynamo.ts";
import { until } from "../../support/wait.ts";
import { equal, ScriptedWork, untilAborted } from "./scripted-work.ts";

describe("what the worker does next", function () {
  this.timeout(60_000);
  let made: TestTable;
  let reader: OpenJournal;
  const stops: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    made = await testTable();
    reader = openJournal({ client: made.client, tableName: made.table.name });
  });
  afterEach(() => Promise.all(stops.splice(0).map((stop) => stop())));

  const claim = () => claimJournal({ client: made.client, tableName: made.table.name, run: 1 });

  async function direct(work: ScriptedWork, owned?: Journal) {
    const journal = owned ?? (await claim());
    const controller = new AbortController();
    const troubles = new Troubles();
    const director = new Director({
      journal,
      work,
      troubles,
      log: { info: () => {}, warn: () => {} },
      signal: controller.signal,
      publish: () => journal.put("status", "alive"),
    });
    const running = director.run();
    running.catch(() => {}); // told by whoever looks
    const stop = async () => {
      controller.abort();
      await running.catch(() => {});
      await director.ended();
    };
    stops.push(stop);
    return { director, troubles, running, stop };
  }

  const reached = (director: Director, step: string) =>
    until(() => director.step === step, { describe: `it is at ${step}, not at ${director.step}` });

  it("goes from step to step, and keeps each before it goes on", async () => {
    const work = new ScriptedWork();
    work.doing.backfill = async () => assert.equal(await reader.get("stage"), "backfill");
    work.doing.verify = async () => {
      assert.equal(await reader.get("stage"), "verify");
      return equal;
    };
    const { director } = await direct(work);
    await reached(director, "ready");
    assert.deepEqual(work.calls, ["preflight", "backfill", "keepUp", "beginVerification", "verify"]);
    assert.equal(await reader.get("stage"), "ready");
    const { startedAt, finishedAt, ...found } = director.verification;
    assert.deepEqual(found, equal);
    assert.ok(startedAt && finishedAt && startedAt <= finishedAt);
    assert.deepEqual(await reader.get("verification"), director.verification);
  });

  it("goes on where it was when it is started again, wherever that was", async () => {
    for (const at of ["preflight", "backfill", "verify", "repair"]) {
      made = await testTable();
      reader = openJournal({ client: made.client, tableName: made.table.name });
      const cut = new ScriptedWork();
      cut.doing[at] = untilAborted;
      const first = await direct(cut);
      if (at === "repair") {
        await reached(first.director, "ready");
        await reader.ask("repair");
      }
      await until(() => cut.calls.includes(at), { describe: `${at} has begun` });
      await first.stop();
      const work = new ScriptedWork();
      const { director } = await direct(work);
      await reached(director, "ready");
      const all = ["preflight", "backfill", "verify"];
      const expected = at === "repair" ? ["repair", "verify"] : all.slice(all.indexOf(at));
      assert.deepEqual(
        work.calls.filter((name) => name !== "keepUp" && name !== "beginVerification"),
        expected,
      );
      // One that was cut short goes on, without what it had found being forgotten.
      assert.equal(work.calls.includes("beginVerification"), at !== "verify");
    }
  });

  it("keeps up with changes beside the backfill where that is wanted", async () => {
    const work = new ScriptedWork();
    work.keepsUpEarly = true;
    work.doing.backfill = untilAborted;
    await direct(work);
    await until(() => work.calls.includes("keepUp"), { describe: "changes are applied" });
    assert.ok(work.calls.includes("backfill"));
  });

  it("leaves ready when it is behind or a row is refused, and comes back when that is over", async () => {
    const work = new ScriptedWork();
    const { director } = await direct(work);
    await reached(director, "ready");
    work.caughtUp = false;
    await reached(director, "catch-up");
    assert.equal(await reader.get("stage"), "catch-up");
    work.caughtUp = true;
    await reached(director, "ready");
    work.letters = 1;
    await reached(director, "verify");
    work.letters = 0;
    await reached(director, "ready");
    assert.equal(work.calls.filter((name) => name === "verify").length, 1);
  });

  it("is not ready with differences, until a repair and another verification", async () => {
    const work = new ScriptedWork();
    work.doing.verify = async () => ({ ...equal, differences: { ...noDifferences, missing: 2 } });
    const { director } = await direct(work);
    await until(() => director.verification.differences.missing === 2, { describe: "it is verified" });
    assert.equal(director.step, "verify");
    delete work.doing.verify;
    await reader.ask("repair");
    await reached(director, "ready");
    assert.deepEqual(work.calls.slice(-4), ["verify", "repair", "beginVerification", "verify"]);
    assert.equal(await reader.get("repair"), undefined);
  });

  it("verifies again when it is asked to, from the start also while it verifies", async () => {
    const work = new ScriptedWork();
    const { director } = await direct(work);
    await reached(director, "ready");
    work.doing.verify = untilAborted;
    await reader.ask("verify");
    director.poke();
    await reached(director, "verify");
    await until(() => work.calls.filter((name) => name === "verify").length === 2, { describe: "it verifies" });
    delete work.doing.verify;
    await reader.ask("verify");
    await reached(director, "ready");
    assert.deepEqual(work.calls.slice(-4), ["beginVerification", "verify", "beginVerification", "verify"]);
    assert.equal((await reader.list("command/")).size, 0);
  });

  it("pauses whatever it does, also over a restart, and goes on", async () => {
    const work = new ScriptedWork();
    let isCut = false;
    work.doing.backfill = (signal) => untilAborted(signal).finally(() => (isCut = true));
    const first = await direct(work);
    await until(() => work.calls.includes("backfill"), { describe: "the backfill has begun" });
    await reader.ask("pause");
    await until(() => isCut, { describe: "the backfill is cut short" });
    assert.ok(first.director.isPaused && work.isPaused);
    await first.stop();
    const next = new ScriptedWork();
    const { director } = await direct(next);
    await until(() => director.isPaused, { describe: "the pause is known" });
    assert.ok(next.isPaused);
    await reader.ask("resume");
    await reached(director, "ready");
    assert.equal(next.isPaused, false);
    assert.deepEqual(next.calls.slice(0, 1), ["backfill"]);
  });

  it("waits for a database that is away, and says so, without failing", async () => {
    const work = new ScriptedWork();
    let isAway = true;
    work.doing.preflight = async () => {
      if (isAway) throw Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:3306"), { code: "ECONNREFUSED" });
    };
    const { director, troubles } = await direct(work);
    await until(() => troubles.text, { describe: "the trouble is told" });
    assert.match(troubles.text ?? "", /does not answer \(ECONNREFUSED.*It is waited for/);
    assert.equal(troubles.areFatal, false);
    isAway = false;
    await reached(director, "ready");
    assert.equal(troubles.text, null);
  });

  it("fails with everything that is to be put right, and goes on when it is", async () => {
    const work = new ScriptedWork();
    let problems = ["The first: do this.", "The second: do that."];
    work.doing.preflight = async () => {
      if (problems.length > 0) throw new Refused(problems);
    };
    const { director, troubles } = await direct(work);
    await until(() => troubles.areFatal, { describe: "it has failed" });
    assert.equal(troubles.text, "The first: do this.\nThe second: do that.");
    problems = [];
    await reached(director, "ready");
    assert.equal(troubles.areFatal, false);
  });

  it("ends when another worker has taken over, whatever it is doing", async () => {
    const idle = await direct(new ScriptedWork());
    await reached(idle.director, "ready");
    const work = new ScriptedWork();
    const journal = await claim();
    work.doing.verify = async () => {
      await journal.put("anything", 1);
      return equal;
    };
    const busy = await direct(work, journal);
    await assert.rejects(idle.running, Deposed);
    await claim();
    await reader.ask("verify");
    await assert.rejects(busy.running, Deposed);
  });
});
