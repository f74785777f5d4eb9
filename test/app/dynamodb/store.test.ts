import { Snowflakes } from "../../../app/domain/snowflake.ts";
import { alwaysTheRecord } from "../../../app/store/dynamodb/record.ts";
import { dynamoStore } from "../../../app/store/dynamodb/store.ts";
import { sharedEmulator, testTable } from "../../support/test-dynamo.ts";
import { describeStoreContract } from "../store/contract.ts";

describe("The DynamoDB store", () => {
  before(async function startEmulator() {
    this.timeout(120_000);
    await sharedEmulator();
  });

  describeStoreContract("DynamoDB", async () => {
    const { table } = await testTable();
    const ids = new Snowflakes(() => Date.now());
    ids.use({ worker: 0, from: 0, until: Number.MAX_SAFE_INTEGER });
    return { store: dynamoStore(table, alwaysTheRecord(1n)), nextId: () => ids.next(), close: async () => {} };
  });
});
