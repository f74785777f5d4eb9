import assert from "node:assert/strict";
import { BatchWriteItemCommand } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { applyItem, type Origin, type Outcome } from "../../../app/store/dynamodb/apply.ts";
import type { Item, RowIn } from "../../../app/store/dynamodb/items.ts";
import { contentOf, itemsOf, keyOf, originAttribute, parseRow } from "../../../app/store/dynamodb/mapping.ts";
import { type TestTable, testTable } from "../../support/test-dynamo.ts";

const origins = ["backfill", "cdc", "dual-write", "repair"] as const;

describe("Guarded puts", function () {
  this.timeout(120_000);
  let made: TestTable;
  let users = 0;

  before(async () => {
    made = await testTable();
  });

  const apply = (item: Item, origin: Origin = "cdc"): Promise<Outcome> =>
    applyItem(made.client, made.table.name, item, origin);
  const follow = (version: bigint, deleted: boolean, follower = String(++users)): RowIn<"follows"> => ({
    follower_id: follower,
    followee_id: "7",
    created_at: 1,
    deleted,
    version,
  });

  it("write over nothing and over what is older, verbatim, and say what else they find", async () => {
    const old = follow(2n ** 40n + 1n, false);
    const next = { ...old, deleted: true, version: 2n ** 60n + 1n };
    const [oldItem] = itemsOf("follows", old);
    const [nextItem] = itemsOf("follows", next);
    assert.equal(await apply(oldItem), "applied");
    assert.equal(await apply(oldItem, "repair"), "same");
    assert.equal(await apply(nextItem), "applied");
    assert.equal(await apply(oldItem), "newer");
    assert.equal(await apply(nextItem, "backfill"), "same");
    assert.equal(await apply(itemsOf("follows", { ...next, created_at: 2 })[0]), "conflict");
    const found = (await made.table.get(keyOf(nextItem))) as Item;
    assert.deepEqual(parseRow("follows", found), next);
    assert.equal(found[originAttribute]?.S, "cdc");
  });

  it("compare versions as whole numbers of 64 bits", async () => {
    const versions = [9n, 10n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n];
    const row = follow(0n, false);
    for (const version of versions) assert.equal(await apply(itemsOf("follows", { ...row, version })[0]), "applied");
    for (const version of versions.slice(0, -1))
      assert.equal(await apply(itemsOf("follows", { ...row, version })[0]), "newer");
  });

  it("converge to the newest of every row, in whatever order, how often and by whomever changes are applied", () => {
    // A history: what each of a few rows became, change by change. Every change is applied at least once, by somebody.
    const history = fc.array(fc.record({ row: fc.nat(3), deleted: fc.boolean() }), { minLength: 1, maxLength: 12 });
    const applications = (changes: number) =>
      fc
        .array(fc.record({ change: fc.nat(changes - 1), origin: fc.constantFrom(...origins) }), { maxLength: 20 })
        .chain((again) => {
          const once = Array.from({ length: changes }, (_, change) => ({ change, origin: "cdc" as Origin }));
          const all = [...once, ...again];
          return fc.tuple(fc.shuffledSubarray(all, { minLength: all.length }), fc.integer({ min: 1, max: 8 }));
        });
    const cases = history.chain((changes) => fc.tuple(fc.constant(changes), applications(changes.length)));
    return fc.assert(
      fc.asyncProperty(cases, async ([changes, [order, lanes]]) => {
        const followers = Array.from({ length: 4 }, () => String(++users));
        const rows = changes.map(({ row, deleted }, index) => follow(BigInt(index + 1), deleted, followers[row]));
        const latest = new Map(rows.map((row) => [row.follower_id, row]));
        let next = 0;
        const outcomes: Outcome[] = [];
        const lane = async () => {
          while (next < order.length) {
            const { change, origin } = order[next++] as { change: number; origin: Origin };
            for (const item of itemsOf("follows", rows[change] as RowIn<"follows">))
              outcomes.push(await apply(item, origin));
          }
        };
        await Promise.all(Array.from({ length: lanes }, lane));
        assert.equal(outcomes.includes("conflict"), false);
        for (const row of latest.values())
          for (const item of itemsOf("follows", row)) {
            const found = (await made.table.get(keyOf(item))) as Item;
            assert.equal(contentOf(found), contentOf(item));
          }
      }),
      { numRuns: 40 },
    );
  });

  it("leave everything else to the caller: an error is not an outcome", async () => {
    await assert.rejects(applyItem(made.client, "no-such-table", itemsOf("follows", follow(1n, false))[0], "cdc"), {
      name: "ResourceNotFoundException",
    });
    const [item] = itemsOf("follows", follow(1n, false));
    await made.client.send(
      new BatchWriteItemCommand({ RequestItems: { [made.table.name]: [{ PutRequest: { Item: item } }] } }),
    );
    assert.equal(await apply(item), "same");
  });
});
