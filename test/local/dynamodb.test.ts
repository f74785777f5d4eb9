import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { CreateTableCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListStreamsCommand,
} from "@aws-sdk/client-dynamodb-streams";
import { type Dynamo, type DynamoOptions, startDynamo } from "../../local/parts/dynamodb.ts";
import { isListening } from "../../local/process/ports.ts";
import { temporaryFolder } from "../support/folder.ts";

const access = { region: "eu-central-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };

for (const engine of ["amazon", "dynoxide"] as const) {
  describe(`DynamoDB emulator: ${engine}`, function () {
    this.timeout(60_000);
    const folder = temporaryFolder();
    const started: Dynamo[] = [];
    const start = async (name: string, more: Partial<DynamoOptions> = {}) => {
      const dynamo = await startDynamo({ dir: join(folder, name), engine, ...more });
      started.push(dynamo);
      return dynamo;
    };
    before(async function () {
      // Which emulator a machine can have differs; that it has one is tested below.
      const reason = await start("probe", { inMemory: true }).then(
        () => undefined,
        (error: Error) => error.message,
      );
      if (reason) this.skip();
    });
    after(() => Promise.all(started.map((dynamo) => dynamo.stop())));

    it("runs two at once, each with its own data", async () => {
      const [first, second] = await Promise.all([start("first", { inMemory: true }), start("second")]);
      assert.equal(first.engine, engine);
      assert.notEqual(first.endpoint, second.endpoint);
      await createTable(first);
      await put(first, "a", 1);
      await createTable(second);
      assert.equal(await read(second, "a"), undefined);
      assert.equal(await read(first, "a"), "1");
    });

    it("listens on the loopback address only", async () => {
      const { endpoint } = await start("loopback", { inMemory: true });
      const others = Object.values(networkInterfaces())
        .flatMap((addresses) => addresses ?? [])
        .filter(({ family, internal }) => family === "IPv4" && !internal);
      for (const { address } of others) assert.equal(await isListening(Number(new URL(endpoint).port), address), false);
      assert.equal(await isListening(Number(new URL(endpoint).port)), true);
    });

    it("keeps acknowledged items and its stream when it is killed", async () => {
      const killed = await start("killed");
      await createTable(killed);
      // Writes are under way when it dies: what was acknowledged is there, in the table as in the stream.
      let acknowledged = 0;
      const writing = (async () => {
        for (let n = 1; ; n++) {
          await put(killed, "a", n);
          acknowledged = n;
          if (n === 40) process.kill(killed.pid, "SIGKILL");
        }
      })();
      await assert.rejects(writing);
      await killed.exited;
      assert.ok(acknowledged >= 40);
      const again = await start("killed");
      const kept = Number(await read(again, "a"));
      assert.ok(kept === acknowledged || kept === acknowledged + 1, `${acknowledged} acknowledged, ${kept} kept`);
      await put(again, "a", kept + 1);
      const seen = await stream(again);
      assert.deepEqual(
        seen,
        Array.from({ length: kept + 1 }, (_, index) => String(index + 1)),
      );
    });

    it("ends an emulator left over from a killed run before it starts one on the same data", async () => {
      const left = await start("stale");
      await start("stale");
      await left.exited;
      assert.throws(() => process.kill(left.pid, 0), { code: "ESRCH" });
    });

    it("says so when its port is taken, and shows its own words when it cannot start", async () => {
      const { endpoint } = await start("occupied", { inMemory: true });
      await assert.rejects(start("refused", { port: Number(new URL(endpoint).port) }), /Port \d+.* is taken/);
      mkdirSync(join(folder, "spoilt/dynamodb.db"), { recursive: true });
      await assert.rejects(start("spoilt"), /ended at its start.*dynamodb.log says:\n.*\w/s);
    });
  });
}

describe("DynamoDB emulator", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();

  it("uses the endpoint that CHIRP_DYNAMODB_URL names", async () => {
    const dynamo = await startDynamo({ dir: join(folder, "given"), inMemory: true });
    try {
      process.env.CHIRP_DYNAMODB_URL = dynamo.endpoint;
      const { endpoint, engine, pid } = await startDynamo({ dir: join(folder, "unused") });
      assert.deepEqual({ endpoint, engine, pid }, { endpoint: dynamo.endpoint, engine: "given", pid: 0 });
      process.env.CHIRP_DYNAMODB_URL = "localhost";
      await assert.rejects(startDynamo({ dir: folder }), /CHIRP_DYNAMODB_URL is "localhost"; write it as http:/);
    } finally {
      delete process.env.CHIRP_DYNAMODB_URL;
      await dynamo.stop();
    }
  });
});

async function createTable({ endpoint }: Dynamo): Promise<void> {
  await client(endpoint).send(
    new CreateTableCommand({
      TableName: "table",
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "pk", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "pk", KeyType: "HASH" }],
      StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
    }),
  );
}

async function put({ endpoint }: Dynamo, pk: string, n: number): Promise<void> {
  const command = new PutItemCommand({ TableName: "table", Item: { pk: { S: pk }, n: { N: String(n) } } });
  await client(endpoint).send(command, { abortSignal: AbortSignal.timeout(10_000) });
}

async function read({ endpoint }: Dynamo, pk: string): Promise<string | undefined> {
  const command = new GetItemCommand({ TableName: "table", Key: { pk: { S: pk } }, ConsistentRead: true });
  return (await client(endpoint).send(command)).Item?.n?.N;
}

/** The values that item "a" had, from the beginning of the stream. */
async function stream({ endpoint }: Dynamo): Promise<(string | undefined)[]> {
  const streams = new DynamoDBStreamsClient({ ...access, endpoint });
  const { Streams } = await streams.send(new ListStreamsCommand({ TableName: "table" }));
  const StreamArn = Streams?.[0]?.StreamArn;
  const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn }));
  const values: (string | undefined)[] = [];
  for (const { ShardId } of StreamDescription?.Shards ?? []) {
    const { ShardIterator } = await streams.send(
      new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" }),
    );
    const { Records } = await streams.send(new GetRecordsCommand({ ShardIterator }));
    const images = (Records ?? []).map((record) => record.dynamodb?.NewImage);
    values.push(...images.filter((image) => image?.pk?.S === "a").map((image) => image?.n?.N));
  }
  return values;
}

function client(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({ ...access, endpoint, maxAttempts: 1 });
}
