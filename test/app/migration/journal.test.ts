import assert from "node:assert/strict";
import { answered, asked, claimJournal, openJournal } from "../../../app/migration/journal.ts";
import { Deposed } from "../../../app/migration/model.ts";
import { type Faults, injectFaults } from "../../support/faults.ts";
import { type TestTable, testTable } from "../../support/test-dynamo.ts";

describe("the migration's journal", function () {
  this.timeout(60_000);
  let made: TestTable;
  const where = () => ({ client: made.client, tableName: made.table.name });
  beforeEach(async () => {
    made = await testTable();
  });

  it("keeps what is put, until it is removed", async () => {
    const journal = await claimJournal({ ...where(), run: 1 });
    assert.equal(await journal.get("stage"), undefined);
    await journal.put("stage", { is: "backfill", of: ["ü", null, 1.5] });
    assert.deepEqual(await journal.get("stage"), { is: "backfill", of: ["ü", null, 1.5] });
    await journal.put("stage", "verify");
    assert.equal(await openJournal(where()).get("stage"), "verify");
    await journal.remove("stage");
    assert.equal(await journal.get("stage"), undefined);
  });

  it("lists by prefix, by whole keys", async () => {
    const journal = await claimJournal({ ...where(), run: 1 });
    for (const key of ["backfill/likes/2", "backfill/likes/10", "backfill-not", "backfill/users/1"])
      await journal.put(key, key.length);
    const found = await openJournal(where()).list<number>("backfill/");
    assert.deepEqual([...found.keys()], ["backfill/likes/10", "backfill/likes/2", "backfill/users/1"]);
    assert.equal(found.get("backfill/likes/10"), 17);
  });

  it("takes many changes at once, the last of a key counting", async () => {
    const journal = await claimJournal({ ...where(), run: 1 });
    const changes = Array.from({ length: 500 }, (_, index) => journal.put(`many/${index % 250}`, index));
    await Promise.all([...changes, journal.remove("many/7")]);
    const found = await journal.list<number>("many/");
    assert.equal(found.size, 249);
    assert.ok([...found].every(([key, value]) => value === 250 + Number(key.slice("many/".length))));
  });

  it("deposes the owner when somebody else claims it, for good", async () => {
    const first = await claimJournal({ ...where(), run: 1 });
    await first.put("stage", "first");
    const second = await claimJournal({ ...where(), run: 1 });
    assert.ok(second.fence > first.fence);
    await assert.rejects(first.put("stage", "late"), Deposed);
    await assert.rejects(first.remove("stage"), Deposed);
    assert.equal(await second.get("stage"), "first");
    await second.put("stage", "second");
    assert.equal(await second.get("stage"), "second");
  });

  it("lets exactly one of many claimants write", async () => {
    const journals = await Promise.all(Array.from({ length: 8 }, () => claimJournal({ ...where(), run: 1 })));
    assert.equal(new Set(journals.map(({ fence }) => fence)).size, 8);
    const results = await Promise.allSettled(journals.map((journal) => journal.put("stage", journal.fence)));
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal(await journals[0]?.get("stage"), Math.max(...journals.map(({ fence }) => fence)));
  });

  it("starts each run afresh, and keeps a worker of an earlier run out", async () => {
    const first = await claimJournal({ ...where(), run: 1 });
    await first.put("stage", "ready");
    const second = await claimJournal({ ...where(), run: 2 });
    assert.equal(await second.get("stage"), undefined);
    assert.equal(await openJournal(where()).run(), 2);
    assert.equal(await openJournal(where()).get("stage"), undefined);
    await assert.rejects(first.put("stage", "ready"), Deposed);
    await assert.rejects(claimJournal({ ...where(), run: 1 }), /run 1 .* a later one has begun/);
    await second.put("stage", "backfill");
  });

  it("records the beginning of a run once", async () => {
    const journal = openJournal(where());
    assert.equal(await journal.begun(1), undefined);
    assert.deepEqual(await journal.begin(1, { at: "first" }), { at: "first" });
    assert.deepEqual(await journal.begin(1, { at: "second" }), { at: "first" });
    assert.deepEqual(await journal.begun(1), { at: "first" });
    assert.deepEqual(await journal.begin(2, { at: "second" }), { at: "second" });
  });

  it("passes on what people ask, in their order", async () => {
    const reader = openJournal(where());
    await assert.rejects(reader.ask("verify"), /No worker has begun/);
    const journal = await claimJournal({ ...where(), run: 1 });
    await reader.ask("pause");
    await reader.ask("verify");
    const all = await asked(journal);
    assert.deepEqual(
      all.map(({ command }) => command),
      ["pause", "verify"],
    );
    await answered(journal, all[0] as (typeof all)[0]);
    assert.deepEqual(
      (await asked(journal)).map(({ command }) => command),
      ["verify"],
    );
  });

  it("waits out throttling, and writes once where answers are lost", async () => {
    const journal = await claimJournal({ ...where(), run: 1 });
    const faults: Faults = { throttled: 0.3, lost: 0.3 };
    injectFaults(made.client, faults);
    await Promise.all(Array.from({ length: 40 }, (_, index) => journal.put(`held/${index}`, index)));
    faults.throttled = faults.lost = 0;
    assert.equal((await journal.list("held/")).size, 40);
  });

  it("refuses a value that no item can hold, alone", async () => {
    const journal = await claimJournal({ ...where(), run: 1 });
    const [large, small] = await Promise.allSettled([
      journal.put("large", "x".repeat(400_000)),
      journal.put("small", "x"),
    ]);
    assert.equal(large.status, "rejected");
    assert.equal(small.status, "fulfilled");
  });
});
