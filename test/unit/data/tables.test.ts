import assert from "node:assert/strict";
import { Tables, type TablesArgs } from "../../../components/data/tables.ts";
import { resolved, runProgram } from "../../support/program.ts";

const tableType = "aws:dynamodb/table:Table";
const tables = (args: Partial<TablesArgs> = {}) =>
  runProgram(() => void new Tables("chirp", { teardown: false, after: [], ...args }));

describe("the DynamoDB tables", () => {
  it("are on demand, encrypted, restorable to any second, and protected twice", async () => {
    const run = await tables();
    for (const name of ["chirp-table", "chirp-journal"]) {
      const { inputs, protect } = run.one(tableType, name);
      assert.equal(inputs.billingMode, "PAY_PER_REQUEST");
      assert.deepEqual([inputs.hashKey, inputs.rangeKey], ["pk", "sk"]);
      assert.deepEqual(inputs.attributes, [
        { name: "pk", type: "S" },
        { name: "sk", type: "S" },
      ]);
      assert.deepEqual(inputs.pointInTimeRecovery, { enabled: true });
      assert.deepEqual(inputs.serverSideEncryption, { enabled: true });
      assert.equal(inputs.deletionProtectionEnabled, true);
      assert.equal(protect, true);
      assert.equal(inputs.name, undefined, "a name of its own would be in the way of a replacement");
    }
  });

  it("have a stream of new and old images and a time to live where the service's items are, and only there", async () => {
    const run = await tables();
    const { inputs } = run.one(tableType, "chirp-table");
    assert.equal(inputs.streamEnabled, true);
    assert.equal(inputs.streamViewType, "NEW_AND_OLD_IMAGES");
    assert.deepEqual(inputs.ttl, { attributeName: "ttl", enabled: true });
    const journal = run.one(tableType, "chirp-journal").inputs;
    assert.deepEqual([journal.streamEnabled, journal.ttl], [undefined, undefined]);
  });

  it("are warmed when that is raised, and never asked to cool down", async () => {
    const raised = (await tables({ warmth: { writes: 20_000, isRaised: true } })).one(tableType, "chirp-table");
    assert.deepEqual(raised.inputs.warmThroughput, { readUnitsPerSecond: 12_000, writeUnitsPerSecond: 20_000 });
    assert.deepEqual(raised.ignoreChanges, []);
    const given = (await tables({ warmth: { writes: 20_000, isRaised: false } })).one(tableType, "chirp-table");
    assert.deepEqual(given.inputs.warmThroughput, raised.inputs.warmThroughput);
    assert.deepEqual(given.ignoreChanges, ["warmThroughput"]);
    const usual = (await tables()).one(tableType, "chirp-table");
    assert.equal(usual.inputs.warmThroughput, undefined);
    assert.deepEqual(usual.ignoreChanges, ["warmThroughput"]);
  });

  it("may be deleted in teardown only", async () => {
    for (const { inputs, protect } of (await tables({ teardown: true })).of(tableType))
      assert.deepEqual([inputs.deletionProtectionEnabled, protect], [false, false]);
  });

  it("are given by name, arn and stream", async () => {
    let made: Tables | undefined;
    await runProgram(() => {
      made = new Tables("chirp", { teardown: false, after: [] });
    });
    assert.ok(made);
    assert.equal(await resolved(made.name), "chirp-table-1a2b3c4");
    assert.equal(await resolved(made.streamArn), "arn:chirp-table/stream");
    assert.equal(await resolved(made.journalName), "chirp-journal-1a2b3c4");
  });
});
