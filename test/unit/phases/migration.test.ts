import assert from "node:assert/strict";
import { type Plan, plan, type Request } from "../../../phases/index.ts";
import { nextStep } from "../../../phases/next.ts";
import { parseBegun } from "../../../phases/recorded.ts";

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
/** What a stack has written down. */
type Written = Pick<Plan, "record" | "begun">;
const go = (changes: Partial<Request>, from?: Written) => plan({ ...request, ...changes }, from?.record, from?.begun);
/** What a stack has written down after these updates, one after the other. */
const after = (...updates: Partial<Request>[]) =>
  updates.reduce<Written | undefined>((from, update) => go(update, from), undefined) as Written;
/** What it has written down when one more update has failed half-way. */
const failing = (update: Partial<Request>, from: Written): Written => ({ ...from, begun: go(update, from).begun });
const up = { phase: 5 };
const down = { phase: 4 };
const runOf = (changes: Partial<Request>, from?: Written) => go(changes, from).migration?.run;

describe("a migration", () => {
  it("is counted from 1, and goes on while the stack stays", () => {
    const first = { run: 1, strategy: "snapshot", ended: false };
    assert.deepEqual(go(up).migration, first);
    assert.deepEqual(go(up, after(down)).migration, first);
    assert.deepEqual(go(up, after(up, up)).migration, first);
  });

  it("is another one each time the stack comes up again, be it in another way", () => {
    assert.equal(runOf(up, after(up, down)), 2);
    assert.equal(runOf(up, after(up, down, down, up, down)), 3);
    assert.deepEqual(go({ migration: "bulk" }, after(up, down)).migration, { run: 2, strategy: "bulk", ended: false });
  });

  it("is the same one when an update that failed is repeated", () => {
    assert.equal(runOf(up, failing(up, after(down))), 1);
    assert.equal(runOf(up, failing(up, after(up, down))), 2);
    assert.equal(runOf(up, { ...failing(up, after(up)) }), 1);
  });

  it("is never begun again once the stack has turned back from it, even if no update of it ever succeeded", () => {
    const tried = failing(up, after(down));
    assert.equal(runOf(up, go(down, tried)), 2);
    assert.equal(runOf(up, failing(down, tried)), 2);
    assert.equal(runOf(up, failing(down, after(up))), 2);
  });

  it("ends below its phase: the count is kept, and so are the tables", () => {
    const { migration, features, begun } = go(down, after(up));
    assert.equal(migration, undefined);
    assert.equal(features.dynamodb, "kept");
    assert.deepEqual(begun.migration, { run: 1, strategy: "snapshot", ended: true });
    assert.equal(go({ phase: 1 }, after(up)).features.dynamodb, "kept");
    assert.equal(go(down).features.dynamodb, "none");
  });

  it("leaves its tables, and pictures theirs, also when the update that made them failed", () => {
    assert.equal(go(down, failing(up, after(down))).features.dynamodb, "kept");
    assert.equal(go({ phase: 3 }, failing(down, after({ phase: 3 }))).features.pictures, "kept");
  });

  for (const [from, to] of [
    ["snapshot", "bulk"],
    ["dual-write", "snapshot"],
    ["bulk", "dual-write"],
  ] as const)
    it(`cannot change from ${from} to ${to} once it has begun`, () => {
      const running = after({ migration: from });
      const begun = failing({ migration: from }, after(down));
      const neverUp = { begun: go({ migration: from }).begun } as Written;
      for (const stack of [running, begun, neverUp])
        assert.throws(
          () => go({ migration: to }, stack),
          (error: Error) => {
            assert.match(
              error.message,
              new RegExp(`migration 1 has begun with ${from} and chirp:migration asks for ${to}`),
            );
            assert.match(error.message, new RegExp(`Fix: pulumi config set migration ${from};.*phase 4 first`));
            assert.match(error.message, /nothing was changed/);
            return true;
          },
        );
      assert.equal(go({ ...down, migration: to }, running).migration, undefined);
      assert.equal(runOf({ migration: to }, go({ ...down, migration: to }, begun)), 2);
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

  it("is raised again when the update that was to raise it failed, but only where it is used", () => {
    const bulk = { migration: "bulk" } as const;
    const failed = failing(bulk, after(up, down));
    assert.deepEqual(go(bulk, failed).warmth, { writes: 20_000, isRaised: true });
    assert.deepEqual(go(down, failed).warmth, { writes: 20_000, isRaised: false });
    assert.equal(go(down, failed).record.warmed, undefined);
    assert.equal(go(down, after(bulk)).record.warmed, 20_000);
  });

  it("cannot be lowered by config", () => {
    assert.throws(
      () => go({ warmThroughput: 5000 }, after({ warmThroughput: 9000 })),
      /warmed for 9000 writes.*asks for 5000: that would replace the table\. Fix: pulumi config set warmThroughput 9000/,
    );
  });
});

describe("the record of what was begun", () => {
  it("is read back as it was written", () => {
    const { begun } = after({ migration: "bulk" });
    assert.deepEqual(parseBegun(JSON.stringify(begun), "/p"), begun);
    assert.deepEqual(begun, {
      highest: 5,
      migration: { run: 1, strategy: "bulk", ended: false },
      warmed: 20_000,
    });
  });

  it("may be missing: there were stacks before there was one", () => {
    const { record } = after(down);
    assert.deepEqual(go(up, { record, begun: undefined as never }).begun.migration?.run, 1);
    assert.deepEqual(parseBegun('{"highest":3}', "/p"), { highest: 3 });
  });

  it("is refused when it makes no sense", () => {
    const text = JSON.stringify({ highest: 5, migration: { run: 0, strategy: "hope", ended: false } });
    assert.throws(() => parseBegun(text, "/p"), /parameter \/p, .*migration\.run: .*migration\.strategy: /);
  });
});

describe("the next step of a migration", () => {
  it("is to look at it", () => {
    assert.match(nextStep(go(up), false), /npm run migration -- status/);
    assert.doesNotMatch(nextStep(go(down), false), /npm run migration/);
  });
});
