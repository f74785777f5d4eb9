import assert from "node:assert/strict";
import { Snowflakes } from "../../../app/domain/snowflake.ts";
import { DynamoTable } from "../../../app/store/dynamodb/dynamo-table.ts";
import { keys } from "../../../app/store/dynamodb/keys.ts";
import { alwaysTheRecord } from "../../../app/store/dynamodb/record.ts";
import { dynamoStore } from "../../../app/store/dynamodb/store.ts";
import { type Faults, injectFaults } from "../../support/faults.ts";
import { sharedEmulator, testTable } from "../../support/test-dynamo.ts";
import { describeStoreContract } from "../store/contract.ts";

describe("The DynamoDB store when requests go wrong", function () {
  this.timeout(60_000);

  before(async function startEmulator() {
    this.timeout(120_000);
    await sharedEmulator();
  });

  describeStoreContract("DynamoDB, throttled and with lost answers", async () => {
    const { table, client } = await testTable();
    injectFaults(client, { throttled: 0.1, lost: 0.1, partial: 0.2 });
    const ids = new Snowflakes(() => Date.now());
    ids.use({ worker: 0, from: 0, until: Number.MAX_SAFE_INTEGER });
    return { store: dynamoStore(table, alwaysTheRecord(1n)), nextId: () => ids.next(), close: async () => {} };
  });

  async function faulty(faults: Faults, patience = 200) {
    const { table, client } = await testTable();
    injectFaults(client, faults);
    return new DynamoTable({ client, name: table.name, patience });
  }

  it("says 503 when throttling outlasts its patience", async () => {
    const faults: Faults = { throttled: 1 };
    const table = await faulty(faults);
    const store = dynamoStore(table, alwaysTheRecord(1n));
    await assert.rejects(store.ping(), { status: 503, code: "unavailable" });
    faults.throttled = 0;
    await store.ping();
  });

  it("says 503 when there is no such table", async () => {
    const { client } = await testTable();
    const store = dynamoStore(new DynamoTable({ client, name: "no-such-table" }), alwaysTheRecord(1n));
    await assert.rejects(store.ping(), { status: 503 });
  });

  it("reads and writes batches to the end, however little of each is done at a time", async () => {
    const table = await faulty({ partial: 0.9 }, 20_000);
    const wanted = Array.from({ length: 230 }, (_, number) => keys.post("1", String(number)));
    const puts = wanted.map(({ pk, sk }) => ({ pk: { S: pk }, sk: { S: sk } }));
    await table.writeAll({ puts });
    const found = await table.getAll([...wanted, ...wanted]);
    for (const key of wanted) assert.ok(found.at(key), key.sk);
    await table.writeAll({ deletes: wanted.slice(100) });
    const left = await table.getAll(wanted);
    assert.equal(wanted.filter((key) => left.at(key)).length, 100);
  });
});
