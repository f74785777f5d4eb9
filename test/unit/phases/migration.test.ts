import assert from "node:assert/strict";
import { plan, type Request } from "../../../phases/index.ts";
import { nextStep } from "../../../phases/next.ts";
import { parseRecorded, type Recorded } from "../../../phases/recorded.ts";

const request: Request = {
  phase: 5,
  edge: "alb",
  zones: ["us-east-1a", "us-east-1b"],
  ami: "ami-1",
  architecture: "arm64",
  storage: 20,
  migration: "snapshot",
  warmThroughput: undefined,
  now: "20260102030405",
};
const go = (changes: Partial<Request>, from?: Recorded) => plan({ ...request, ...changes }, from);
/** What a stack has written down after these updates, one after the other. */
const after = (...updates: Partial<Request>[]) =>
  updates.reduce<Recorded | undefined>((from, update) => go(update, from).record, undefined) as Recorded;
const up = { phase: 5 };
const down = { phase: 4 };

describe("a migration", () => {
  it("is counted from 1, and goes on while the stack stays", () => {
    assert.deepEqual(go(up).migration, { run: 1, strategy: "snapshot" });
    assert.deepEqual(go(up, after(down)).migration, { run: 1, strategy: "snapshot" });
    assert.deepEqual(go(up, after(up, up)).migration, { run: 1, strategy: "snapshot" });
  });

  it("is another one each time the stack comes up again, be it in another way", () => {
    assert.deepEqual(go(up, after(up, down)).migration, { run: 2, strategy: "snapshot" });
    assert.deepEqual(go(up, after(up, down, down, up, down)).migration?.run, 3);
    assert.deepEqual(go({ migration: "bulk" }, after(up, down)).migration, { run: 2, strategy: "bulk" });
  });

  it("is the same one when an update that failed, and so wrote nothing down, is repeated", () => {
    const before = after(up, down);
    assert.deepEqual(go(up, before).migration, go(up, before).migration);
  });

  it("ends below its phase: the count is kept, and so are the tables", () => {
    const { migration, features, record } = go(down, after(up));
    assert.equal(migration, undefined);
    assert.equal(features.dynamodb, "kept");
    assert.deepEqual(record.migration, { run: 1, strategy: "snapshot" });
    assert.equal(go({ phase: 1 }, after(up)).features.dynamodb, "kept");
    assert.equal(go(down).features.dynamodb, "none");
  });

  for (const [from, to] of [
    ["snapshot", "bulk"],
    ["dual-write", "snapshot"],
    ["bulk", "dual-write"],
  ] as const)
    it(`cannot change from ${from} to ${to} while it runs`, () => {
      assert.throws(
        () => go({ migration: to }, after({ migration: from })),
        (error: Error) => {
          assert.match(error.message, new RegExp(`migration 1 runs with ${from} and chirp:migration asks for ${to}`));
          assert.match(error.message, new RegExp(`Fix: pulumi config set migration ${from};.*phase 4 first`));
          assert.match(error.message, /nothing was changed/);
          return true;
        },
      );
      assert.equal(go({ ...down, migration: to }, after({ migration: from })).migration, undefined);
    });
});

describe("the warmth of the table", () => {
  it("is DynamoDB's own, or what is asked for, and high for bulk", () => {
    assert.equal(go(up).warmth, undefined);
    assert.deepEqual(go({ warmThroughput: 9000 }).warmth, { writes: 9000, isRaised: true });
    assert.deepEqual(go({ migration: "bulk" }).warmth, { writes: 20_000, isRaised: true });
    assert.deepEqual(go({ migration: "bulk", warmThroughput: 5000 }).warmth, { writes: 5000, isRaised: true });
  });

  it("is raised once, and never lowered: not by another strategy, nor on the way down", () => {
    const bulk = { migration: "bulk" } as const;
    assert.deepEqual(go(bulk, after(bulk)).warmth, { writes: 20_000, isRaised: false });
    assert.deepEqual(go(down, after(bulk)).warmth, { writes: 20_000, isRaised: false });
    assert.deepEqual(go(up, after(bulk, down)).warmth, { writes: 20_000, isRaised: false });
    assert.deepEqual(go({ ...bulk, warmThroughput: 30_000 }, after(bulk)).warmth, { writes: 30_000, isRaised: true });
    assert.equal(go({ ...down, warmThroughput: 30_000 }).warmth, undefined);
  });

  it("cannot be lowered by config", () => {
    assert.throws(
      () => go({ warmThroughput: 5000 }, after({ warmThroughput: 9000 })),
      /warmed for 9000 writes.*asks for 5000: that would replace the table\. Fix: pulumi config set warmThroughput 9000/,
    );
  });
});

describe("the record of a migration", () => {
  it("is read back as it was written", () => {
    const record = after({ migration: "bulk" });
    assert.deepEqual(parseRecorded(JSON.stringify(record), "/p"), record);
    assert.deepEqual(record.migration, { run: 1, strategy: "bulk" });
    assert.equal(record.warmed, 20_000);
  });

  it("may be missing: there were stacks before there were migrations", () => {
    const { migration, warmed, ...older } = after(down);
    assert.deepEqual([migration, warmed], [undefined, undefined]);
    const read = parseRecorded(JSON.stringify(older), "/p");
    assert.deepEqual(go(up, read).migration, { run: 1, strategy: "snapshot" });
  });

  it("is refused when it makes no sense", () => {
    const text = JSON.stringify({ ...after(up), migration: { run: 0, strategy: "hope" } });
    assert.throws(() => parseRecorded(text, "/p"), /migration\.run: .*migration\.strategy: /);
  });
});

describe("the next step of a migration", () => {
  it("is to look at it", () => {
    assert.match(nextStep(go(up), false), /npm run migration -- status/);
    assert.doesNotMatch(nextStep(go(down), false), /npm run migration/);
  });
});
