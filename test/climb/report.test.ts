import assert from "node:assert/strict";
import type { MigrationReport } from "../../climb/migration.ts";
import { advice, migrations, type PhaseReport, summarise, table } from "../../climb/report.ts";
import type { Check } from "../../climb/traffic/check.ts";

describe("report", () => {
  const bare: PhaseReport = {
    phase: 2,
    title: "guarded edge",
    ok: true,
    seconds: 12.3,
    created: 31,
    updated: 4,
    deleted: 1,
    replaced: 0,
    statefulDeleted: 0,
    statefulReplaced: 0,
  };
  const good: PhaseReport = {
    ...bare,
    traffic: { requests: 2431, failures: 0, resent: 2, writes: 600, p50: 3.2, p99: 41.4, max: 90, samples: [] },
    check: { writes: 900, rows: 800, found: 800, duplicates: 0, samples: [] },
  };

  const migration: MigrationReport = {
    run: 1,
    strategy: "snapshot",
    readyAfter: 41.3,
    moved: { rows: 87_000, items: 131_000 },
    verified: { rows: 90_120, items: 136_614 },
    differences: { lagging: 0, stale: 0, missing: 0, extra: 0, mapping: 0, conflict: 0 },
    miscounted: 0,
    deadLetters: 0,
  };

  it("is good when everything was kept", () => {
    const { ok, problems } = summarise("http://x", 40.04, [good]);
    assert.deepEqual({ ok, problems }, { ok: true, problems: [] });
  });

  const bad: readonly [what: string, phase: Partial<PhaseReport>, said: RegExp][] = [
    ["a stateful replacement", { replaced: 1, statefulReplaced: 1 }, /1 resources that hold data were replaced/],
    ["a stateful deletion", { deleted: 1, statefulDeleted: 1 }, /1 resources that hold data were deleted/],
    [
      "a failed request",
      {
        traffic: {
          ...(good.traffic as NonNullable<PhaseReport["traffic"]>),
          failures: 1,
          samples: [{ at: "2026-01-01T00:00:00.000Z", request: "GET /", problem: "502" }],
        },
      },
      /1 of 2,431 requests failed\n {2}2026-01-01T00:00:00.000Z GET \/: 502/,
    ],
    [
      "a lost write",
      { check: { writes: 900, rows: 800, found: 799, duplicates: 0, samples: ["post 7 is missing"] } },
      /1 of 800 rows are missing or wrong, 0 are double\n {2}post 7 is missing/,
    ],
    [
      "a picture that came back otherwise",
      {
        check: { ...(good.check as Check), pictures: { expected: 9, same: 8 }, samples: ["picture /media/1/a.png is"] },
      },
      /1 of 9 pictures are not as uploaded\n {2}picture/,
    ],
    [
      "a difference between the stores",
      { migration: { ...migration, differences: { ...migration.differences, missing: 1, stale: 2 } } },
      /MySQL and DynamoDB are not equal: 2 stale, 1 missing/,
    ],
    ["a wrong counter", { migration: { ...migration, miscounted: 2 } }, /2 counters wrong in both/],
    ["a refused row", { migration: { ...migration, deadLetters: 1 } }, /1 row could not be written to DynamoDB/],
    ["a double write", { check: { writes: 900, rows: 800, found: 800, duplicates: 1, samples: [] } }, /1 are double/],
  ];
  for (const [what, change, said] of bad) {
    it(`is bad after ${what}`, () => {
      const { ok, problems } = summarise("http://x", 40, [good, { ...good, ...change }]);
      assert.equal(ok, false);
      assert.match(problems.join("\n"), said);
    });
  }

  it("is bad when the engine failed", () => {
    assert.deepEqual(summarise("http://x", 40, [good], "Phase 3 was not reached.").problems, [
      "Phase 3 was not reached.",
    ]);
  });

  it("tells what a migration came to", () => {
    assert.deepEqual(migrations([good]), []);
    assert.deepEqual(migrations([good, { ...good, migration }]), [
      "Migration 1 by snapshot: 87,000 old rows became 131,000 items; equal and following 41.3 s after the update.",
      "Compared in the end: 90,120 rows with 136,614 items: no differences, no row refused.",
    ]);
    assert.equal(summarise("http://x", 40, [{ ...good, migration }]).ok, true);
  });

  it("tells of pictures where there are any", () => {
    const withPictures = { ...good, check: { ...(good.check as Check), pictures: { expected: 1200, same: 1200 } } };
    const [heading, first, second] = table([good, withPictures]);
    assert.match(heading ?? "", / pictures read back$/);
    assert.match(first ?? "", / –$/);
    assert.match(second ?? "", / 1,200 of 1,200$/);
  });

  it("says when the machine could not keep up", () => {
    const traffic = { ...(good.traffic as NonNullable<PhaseReport["traffic"]>), p50: 4000 };
    assert.deepEqual(advice([good], 200), []);
    assert.match(
      advice([good, { ...good, traffic }], 200).join(),
      /too busy for 200 requests\/s just now; try --rate 50/,
    );
  });

  it("lines its columns up", () => {
    assert.deepEqual(table([good, { ...bare, phase: 3, title: "elastic", ok: false }]), [
      "phase                     created  updated  deleted  replaced    time  requests  failed     p50    p99  writes  rows found",
      "2 guarded edge                 31        4        1         0  12.3 s     2,431       0  3.2 ms  41 ms     600  800 of 800",
      "3 elastic (not finished)       31        4        1         0  12.3 s         –       –       –      –       –           –",
    ]);
  });
});
