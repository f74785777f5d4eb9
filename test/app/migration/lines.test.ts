import assert from "node:assert/strict";
import { bytes, duration, migrationLines } from "../../../app/migration/lines.ts";
import { metricsLine } from "../../../app/migration/metrics.ts";
import { noDifferences } from "../../../app/migration/work/director.ts";
import { aStatus, readyStatus } from "./statuses.ts";

describe("a migration's status in words", () => {
  it("says how far a backfill is", () => {
    assert.deepEqual(migrationLines(aStatus()), [
      "Migration 1 by snapshot: backfill",
      "  ✓ preflight  ▸ backfill  · catch-up  · verify  · ready",
      "  backfill  12,345 of about 60,000 rows · 23,456 items · 2,100 items/s · 23 s left",
      "  verified  not yet",
      "  refused   no rows",
      "  retention 168 h · what is needed expires in 6 d 23 h",
    ]);
  });

  it("says that all is well", () => {
    assert.deepEqual(migrationLines(readyStatus), [
      "Migration 1 by snapshot: ready",
      "  ✓ preflight  ✓ backfill  ✓ catch-up  ✓ verify  ✓ ready",
      "  backfill  60,000 of about 60,000 rows · 110,000 items · 12 items/s",
      "  binlog    0.4 s and 12 kB behind · 4,321 rows · 210 rows/s · caught up in 0 s · mysql-bin.000003:123456",
      "  verified  60,100 rows · 110,000 items · no differences · finished 2026-01-02T03:12:05.000Z",
      "  refused   no rows",
      "  retention 168 h · what is needed expires in 6 d 23 h",
    ]);
  });

  it("says what is wrong, and where", () => {
    const lines = migrationLines(
      aStatus({
        stage: "failed",
        step: "verify",
        paused: true,
        outbox: { waiting: 3, oldestSeconds: 200 },
        retention: null,
        deadLetters: 1,
        verification: { ...readyStatus.verification, differences: { ...noDifferences, missing: 2, stale: 1000 } },
        problem: "The first thing.\nThe second thing.",
      }),
    );
    assert.equal(lines[0], "Migration 1 by snapshot: failed, paused");
    assert.match(lines[1] ?? "", /✓ catch-up {2}✗ verify {2}· ready/);
    assert.ok(lines.includes("  outbox    3 waiting · oldest 3 min"));
    assert.ok(lines.some((line) => line.includes("1,000 stale, 2 missing")));
    assert.ok(lines.includes("  refused   1 row could not be written"));
    assert.deepEqual(lines.slice(-2), ["  ! The first thing.", "  ! The second thing."]);
  });

  it("writes durations and sizes as people do", () => {
    const durations = [0, 0.4, 9.99, 98, 100, 3599, 7200, 7500, 48 * 3600, 100 * 3600];
    const inWords = ["0 s", "0.4 s", "10 s", "98 s", "2 min", "1 h", "2 h", "2 h 5 min", "2 d", "4 d 4 h"];
    assert.deepEqual(durations.map(duration), inWords);
    assert.deepEqual([0, 999, 1000, 12_345, 3.4e6, 2e9].map(bytes), [
      "0 B",
      "999 B",
      "1.0 kB",
      "12 kB",
      "3.4 MB",
      "2.0 GB",
    ]);
  });
});

describe("a migration's metrics", () => {
  it("are one line that CloudWatch reads, without what there is not", () => {
    const line = JSON.parse(metricsLine(readyStatus, "dev", 1_700_000_000_000));
    const [directive] = line._aws.CloudWatchMetrics;
    assert.equal(line._aws.Timestamp, 1_700_000_000_000);
    assert.equal(directive.Namespace, "Chirp/Migration");
    assert.deepEqual(directive.Dimensions, [["Stack"]]);
    const names = directive.Metrics.map(({ Name }: { Name: string }) => Name);
    assert.deepEqual(names, [
      "LagSeconds",
      "LagBytes",
      "DeadLetters",
      "Differences",
      "RetentionSecondsLeft",
      "BackfillRows",
      "ItemsPerSecond",
      "EtaSeconds",
      "VerifiedPercent",
      "Problems",
    ]);
    assert.equal(line.VerifiedPercent, 100);
    assert.equal(line.Problems, 0);
    assert.ok(names.every((name: string) => typeof line[name] === "number"));
    assert.equal(line.Stack, "dev");
    assert.equal(line.LagSeconds, 0.4);
  });
});
