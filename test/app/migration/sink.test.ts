import assert from "node:assert/strict";
import fc from "fast-check";
import { createSink } from "../../../app/migration/sink/sink.ts";
import { inTurns } from "../../../app/store/dynamodb/dynamo-table.ts";
import { contentOf } from "../../../app/store/dynamodb/mapping.ts";
import { injectFaults } from "../../support/faults.ts";
import type { TestTable } from "../../support/test-dynamo.ts";
import { limitThroughput } from "../../support/throughput.ts";
import { anyRow } from "../dynamodb/arbitrary-rows.ts";
import { log, patientTable } from "./fixture.ts";
import { contentsAt, likeBy, mappedRow, originAt } from "./rows.ts";

describe("Sink of a migration", function () {
  this.timeout(120_000);
  let made: TestTable;
  let users = 0;

  const sinkOf = ({ client, table }: TestTable, fence = 7) => createSink({ client, tableName: table.name, fence, log });
  const likes = (count: number, version = 1n) => Array.from({ length: count }, () => likeBy(++users, version));
  const settled = (tally: object) => ({ applied: 0, same: 0, newer: 0, conflict: 0, ...tally });

  before(async () => {
    made = await patientTable();
  });

  it("inserts many rows, each item with its content, its version and the worker's fence", async () => {
    const sink = sinkOf(made);
    const rows = likes(250);
    assert.deepEqual(await sink.insert(rows, "backfill"), { ...settled({ applied: 250 }), conflicts: [] });
    const items = rows.flatMap((row) => row.items);
    assert.deepEqual(await contentsAt(made, items), items.map(contentOf));
    assert.equal(await originAt(made, items[0] as never), "backfill#7");
    assert.ok(sink.rate() > 0);
  });

  it("changes nothing when it is done again, by whomever, and keeps what is newer", async () => {
    const old = likes(150);
    const changed = old.slice(0, 40).map((row) => likeBy(Number(row.key.split("/")[1]), 5n, { deleted: true }));
    await sinkOf(made).insert(old.slice(0, 100), "backfill");
    for (const row of changed) await sinkOf(made).apply(row, "cdc");
    const forgotten = sinkOf(made, 3);
    assert.deepEqual(await forgotten.insert(old, "backfill"), {
      ...settled({ applied: 50, same: 60, newer: 40 }),
      conflicts: [],
    });
    const items = [...changed, ...old.slice(40)].flatMap((row) => row.items);
    assert.deepEqual(await contentsAt(made, items), items.map(contentOf));
    assert.equal(await originAt(made, old[60]?.items[0] as never), "backfill#7");
  });

  it("names the rows whose very version is there with other content, and writes the others", async () => {
    const rows = likes(120);
    const other = rows.map((row, index) =>
      index % 50 === 0 ? likeBy(Number(row.key.split("/")[1]), 1n, { created_at: 2 }) : row,
    );
    await sinkOf(made).insert(rows.slice(0, 60), "backfill");
    const { conflicts, ...tally } = await sinkOf(made).insert(other, "backfill");
    assert.deepEqual(tally, settled({ applied: 60, same: 58, conflict: 2 }));
    assert.deepEqual([...conflicts].sort(), [rows[0], rows[50]].map((row) => row?.key).sort());
  });

  it("takes versions of one row together, and keeps the newest", async () => {
    const user = ++users;
    const versions = [3n, 1n, 5n, 2n, 4n].map((version) => likeBy(user, version, { created_at: Number(version) }));
    await sinkOf(made).insert(versions, "backfill");
    await Promise.all(versions.map((row) => sinkOf(made).apply(row, "cdc")));
    assert.deepEqual(await contentsAt(made, versions[2]?.items ?? []), versions[2]?.items.map(contentOf));
  });

  it("writes rows of every table, whatever is in them, also as statements", async () => {
    const throttled = await patientTable();
    injectFaults(throttled.client, { throttled: 0.2 });
    for (const table of [made, throttled])
      await fc.assert(
        fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 60 }), async (all) => {
          const rows = [...new Map(all.map((row) => [mappedRow(row).key, mappedRow(row)])).values()];
          const sink = sinkOf(table);
          await sink.insert(rows, "backfill");
          await inTurns(rows, 8, async (row) => {
            const { newer, conflict } = await sink.apply(row, "cdc");
            // Rows of other cases may have had the same key.
            if (newer + conflict === 0) assert.deepEqual(await contentsAt(table, row.items), row.items.map(contentOf));
          });
        }),
        { numRuns: 15 },
      );
  });

  it("passes on what no patience helps against", async () => {
    const nowhere = createSink({ client: made.client, tableName: "no-such-table", fence: 1, log });
    await assert.rejects(nowhere.insert(likes(3), "backfill"), { name: "ResourceNotFoundException" });
    await assert.rejects(nowhere.apply(likeBy(1, 1n), "cdc"), { name: "ResourceNotFoundException" });
  });

  it("settles everything when answers get lost and parts are refused", async () => {
    const shaky = await patientTable();
    injectFaults(shaky.client, { lost: 0.1, throttled: 0.02 });
    const sink = sinkOf(shaky);
    const rows = likes(300);
    const half = rows.slice(0, 150);
    const results = await Promise.all([
      sink.insert(rows, "backfill"),
      sinkOf(shaky, 8).insert(half, "backfill"),
      ...half.map((row) => sink.apply(row, "cdc")),
    ]);
    assert.equal(
      results.reduce((sum, { applied, same }) => sum + applied + same, 0),
      600,
    );
    const items = rows.flatMap((row) => row.items);
    assert.deepEqual(await contentsAt(made, items), new Array(300).fill(undefined));
    shaky.client.middlewareStack.remove("faults");
    assert.deepEqual(await contentsAt(shaky, items), items.map(contentOf));
  });

  describe("over a table of limited throughput", () => {
    const errors = ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"];
    for (const error of errors)
      it(`writes everything, and most of it at the first attempt (${error})`, async () => {
        const limited = await patientTable();
        const treatment = limitThroughput(limited.client, { itemsPerSecond: 400, burst: 80, error });
        const sink = sinkOf(limited);
        const rows = likes(1500);
        const [inserted, applied] = await Promise.all([
          sink.insert(rows.slice(0, 1400), "backfill"),
          Promise.all(rows.slice(1400).map((row) => sink.apply(row, "cdc"))),
        ]);
        assert.equal(inserted.applied + inserted.same, 1400);
        assert.equal(applied.length, 100);
        const items = rows.flatMap((row) => row.items);
        assert.deepEqual(await contentsAt(limited, items), items.map(contentOf));
        assert.ok(treatment.refused > 0);
        assert.ok(treatment.refused < treatment.taken / 2, JSON.stringify(treatment));
      });
  });
});
