import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildFunction } from "../../../app/bundle.ts";
import type { StreamEvent } from "../../../app/functions/fanout.ts";
import { sharedEmulator } from "../../support/test-dynamo.ts";
import { StreamPump } from "../../support/stream-pump.ts";
import { HomeFixture } from "./home-fixture.ts";

describe("The fan-out function", function () {
  this.timeout(120_000);
  const folder = mkdtempSync(join(tmpdir(), "chirp-test-function-"));
  const original = { ...process.env };
  let load: () => Promise<(event: StreamEvent) => Promise<{ batchItemFailures: unknown[] }>>;

  before(async () => {
    const { code } = await buildFunction("fanout");
    let loads = 0;
    load = async () => {
      const path = join(folder, `fanout-${++loads}.mjs`);
      writeFileSync(path, code);
      return (await import(pathToFileURL(path).href)).handler;
    };
    await sharedEmulator();
  });
  afterEach(() => {
    process.env = { ...original };
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function configure(tableName: string): Promise<void> {
    const { endpoint } = await sharedEmulator();
    Object.assign(process.env, {
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      TABLE_NAME: tableName,
    });
  }

  it("fans posts out, from its bundle and its environment alone", async () => {
    const fixture = await HomeFixture.start();
    await configure(fixture.made.table.name);
    const handler = await load();
    const pump = new StreamPump(fixture.made, async (Records) =>
      assert.deepEqual(await handler({ Records }), { batchItemFailures: [] }),
    );
    pump.start();
    const [me, friend] = (await fixture.users(2)) as [string, string];
    await fixture.follow(me, friend);
    await fixture.home(me);
    const post = await fixture.post(friend);
    await pump.settle();
    await pump.stop();
    assert.deepEqual((await fixture.stored(me)).entries, [post]);
  });

  it("reports the records that failed", async () => {
    await configure("no-such-table");
    const handler = await load();
    const image = {
      pk: { S: "u#1" },
      type: { S: "post" },
      id: { S: "2" },
      deleted: { BOOL: false },
      version: { N: "1" },
    };
    const dynamodb = { Keys: { pk: { S: "u#1" } }, NewImage: image, SequenceNumber: "17" };
    const silent = console.error;
    console.error = () => {};
    try {
      assert.deepEqual(await handler({ Records: [{ dynamodb }] }), { batchItemFailures: [{ itemIdentifier: "17" }] });
    } finally {
      console.error = silent;
    }
  });

  it("says what is wrong with its environment", async () => {
    process.env.TABLE_NAME = "";
    process.env.FANOUT_THRESHOLD = "many";
    const handler = await load();
    await assert.rejects(
      handler({ Records: [] }),
      /TABLE_NAME is not set; FANOUT_THRESHOLD=many must be a whole number/,
    );
  });
});
