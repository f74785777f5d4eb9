import assert from "node:assert/strict";
import { Board, type Measures } from "../../../app/migration/work/board.ts";
import { noDifferences, notVerified } from "../../../app/migration/work/director.ts";
import { persevere, Refused, Troubles } from "../../../app/migration/work/perseverance.ts";
import { retentionClock } from "../../../app/migration/work/retention.ts";
import { Trend } from "../../../app/migration/work/trend.ts";

const hour = 3600_000;

describe("the clock of the binlog's retention", () => {
  const now = Date.parse("2026-01-10T00:00:00.000Z");

  it("runs from the oldest event that is still needed", () => {
    assert.deepEqual(retentionClock(168, now - 24 * hour, now, null), {
      hours: 168,
      expiresInSeconds: 144 * 3600,
      level: "ok",
    });
    assert.equal(retentionClock(null, now, now, null), null);
  });

  it("warns early: at a quarter of the time, or when the work takes more than half of what is left", () => {
    const level = (age: number, eta: number | null = null) => retentionClock(100, now - age * hour, now, eta)?.level;
    assert.equal(level(74), "ok");
    assert.equal(level(76), "warning");
    assert.equal(level(20, 39 * 3600), "ok");
    assert.equal(level(20, 41 * 3600), "warning");
    assert.equal(level(100), "expired");
    assert.equal(level(1000), "expired");
  });
});

describe("a trend", () => {
  it("tells how fast a number changes, and when it will be somewhere", () => {
    const trend = new Trend(10_000);
    assert.equal(trend.perSecond, 0);
    assert.equal(trend.secondsUntil(10), null);
    for (let second = 0; second <= 20; second++) trend.note(second * 100, second * 1000);
    assert.equal(trend.perSecond, 100);
    assert.equal(trend.secondsUntil(3000), 10);
    assert.equal(trend.secondsUntil(2000), 0);
    assert.equal(trend.secondsUntil(1000), null);
  });

  it("forgets what was long ago", () => {
    const trend = new Trend(10_000);
    for (let second = 0; second <= 40; second++) trend.note(second < 20 ? 0 : (second - 20) * 10, second * 1000);
    assert.equal(trend.perSecond, 10);
    for (let second = 41; second <= 60; second++) trend.note(200, second * 1000);
    assert.equal(trend.perSecond, 0);
    assert.equal(trend.secondsUntil(300), null);
  });
});

describe("perseverance", () => {
  const log = { warn: () => {} };
  const fail = (error: unknown) => async () => {
    throw error;
  };

  /** The trouble that an error makes. */
  async function troubleOf(error: unknown): Promise<{ text: string | null; isFatal: boolean }> {
    const troubles = new Troubles();
    const stop = new AbortController();
    const told = new Promise<void>((resolve) => {
      const warn = () => resolve();
      persevere("it", { troubles, log: { warn }, signal: stop.signal }, fail(error)).catch(() => {});
    });
    await told;
    const trouble = { text: troubles.text, isFatal: troubles.areFatal };
    stop.abort();
    return trouble;
  }

  it("tells what passes by itself from what somebody has to put right", async () => {
    const coded = (code: string, more: object = {}) => Object.assign(new Error("why"), { code, ...more });
    for (const error of [
      coded("ECONNREFUSED"),
      coded("PROTOCOL_CONNECTION_LOST"),
      coded("ER_ACCESS_DENIED_ERROR", { sqlState: "28000" }),
      Object.assign(new Error("slow down"), { name: "ThrottlingException" }),
      new Error("Queue limit reached."),
    ]) {
      const { text, isFatal } = await troubleOf(error);
      assert.equal(isFatal, false, text ?? "");
      assert.match(text ?? "", /does not answer.*It is waited for\.$/);
    }
    assert.deepEqual(await troubleOf(new Refused(["This.", "That."])), { text: "This.\nThat.", isFatal: true });
    const { text, isFatal } = await troubleOf(coded("ER_NO_SUCH_TABLE", { sqlState: "42S02" }));
    assert.ok(isFatal);
    assert.match(text ?? "", /Something unexpected: why/);
  });

  it("ends with the signal, and leaves no trouble behind", async () => {
    const troubles = new Troubles();
    const stop = new AbortController();
    const doing = persevere("it", { troubles, log, signal: stop.signal }, async () => {
      stop.abort(new Error("enough"));
      throw new Error("cut short");
    });
    await assert.rejects(doing, /enough/);
    assert.equal(troubles.text, null);
  });
});

describe("the worker's board", () => {
  const measures: Measures = {
    backfill: { rows: 10, rowsTotal: 100, items: 20 },
    itemsPerSecond: 12.4,
    binlog: null,
    outbox: null,
    verification: undefined,
    deadLetters: 0,
    trouble: null,
    retentionHours: 168,
  };
  const board = (changes: Partial<Measures>, verification = notVerified, troubles = new Troubles()) =>
    new Board({
      run: 2,
      strategy: "bulk",
      fence: 7,
      begunAt: new Date(Date.now() - 160 * hour).toISOString(),
      director: { step: "verify", isPaused: false, verification },
      measures: () => ({ ...measures, ...changes }),
      troubles,
    });

  it("counts retention from the beginning of the run until the binlog is followed, then from where that is", () => {
    const before = board({}).status();
    assert.equal(before.retention?.level, "warning");
    assert.match(before.problem ?? "", /expires in 8 h: it is kept for 168 h/);
    const binlog = { position: "bin.1:4", rows: 0, rowsPerSecond: 0, lagSeconds: 60, lagBytes: 100 };
    const after = board({ binlog }).status();
    assert.equal(after.retention?.level, "ok");
    assert.equal(after.retention?.expiresInSeconds, 168 * 3600 - 60);
    assert.equal(after.problem, null);
  });

  it("says what to do about differences and dead letters", () => {
    const found = { ...notVerified, startedAt: "then", finishedAt: "now", differences: { ...noDifferences, stale: 3 } };
    const { problem, stage } = board({ deadLetters: 2, retentionHours: null }, found).status();
    assert.match(problem ?? "", /found 3 stale: repair writes .*\n2 rows could not be written/);
    assert.equal(stage, "verify");
  });

  it("is failed while something has to be put right, and says at which step", () => {
    const troubles = new Troubles();
    troubles.set("changes", { reason: "The server has changed.", isFatal: true });
    const status = board({ retentionHours: null }, notVerified, troubles).status();
    assert.deepEqual([status.stage, status.step, status.problem], ["failed", "verify", "The server has changed."]);
    troubles.set("verify", { reason: "A server does not answer.", isFatal: false });
    assert.equal(
      board({ retentionHours: null }, notVerified, troubles).status().problem,
      "The server has changed.\nA server does not answer.",
    );
  });

  it("shows how far the verification under way is", () => {
    const differences = { ...noDifferences, lagging: 1 };
    const running = { rows: 5, rowsTotal: 50, items: 0, itemsTotal: 90, differences, miscounted: 0 };
    const { verification } = board({ verification: running }, { ...notVerified, startedAt: "then" }).status();
    assert.deepEqual(verification, { ...running, startedAt: "then", finishedAt: null });
  });
});
