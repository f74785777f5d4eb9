import assert from "node:assert/strict";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type AttributeValue, DynamoDBClient, PutItemCommand, DeleteItemCommand } from "@aws-sdk/client-dynamodb";
import type { Properties } from "../../local/aws/record.ts";
import type { StreamRecord } from "../../local/parts/stream/source.ts";
import type { Outcome } from "../../local/provider/operations.ts";
import { archive } from "../support/archive.ts";
import { temporaryFolder } from "../support/folder.ts";
import { TestAws } from "../support/local-aws.ts";
import { localAccess } from "../support/test-dynamo.ts";
import { until } from "../support/wait.ts";

const functionType = "aws:lambda/function:Function";
const mappingType = "aws:lambda/eventSourceMapping:EventSourceMapping";
const queueType = "aws:sqs/queue:Queue";
const tableType = "aws:dynamodb/table:Table";

/** Keeps what it is given, and does with each record what the item says. */
const handler = `
import { appendFileSync } from "node:fs";
export async function handler(event) {
  const say = (what) => appendFileSync(process.env.OUT, JSON.stringify({ pid: process.pid, ...what }) + "\\n");
  say({ start: event.Records.length });
  for (const record of event.Records) {
    const wish = record.dynamodb.NewImage?.wish?.S;
    if (wish === "slow") await new Promise((resolve) => setTimeout(resolve, 30));
    if (wish === "throw") throw new Error("poison");
    if (wish === "exit") process.exit(1);
    if (wish === "report") return { batchItemFailures: [{ itemIdentifier: record.dynamodb.SequenceNumber }] };
    if (wish === "nonsense") return { batchItemFailures: [{ itemIdentifier: "" }] };
    say({ record });
  }
  say({ end: event.Records.length });
  return { batchItemFailures: [] };
}`;

interface Line {
  readonly pid: number;
  readonly start?: number;
  readonly end?: number;
  readonly record?: StreamRecord;
}

describe("event source mapping", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  let test: TestAws;
  let table: Outcome;
  let worker: Outcome;
  let queue: Outcome;
  let mapping: Outcome;
  let inputs: Properties;

  before(async () => {
    test = await TestAws.start(folder);
    table = await test.create(tableType, "table", {
      billingMode: "PAY_PER_REQUEST",
      hashKey: "user",
      rangeKey: "kind",
      attributes: ["user", "kind"].map((name) => ({ name, type: "S" })),
      streamEnabled: true,
      streamViewType: "NEW_AND_OLD_IMAGES",
    });
    worker = await test.create(functionType, "worker", {
      role: "arn:role",
      code: archive(handler),
      timeout: 20,
      environment: { variables: { OUT: join(folder, "out") } },
    });
    queue = await test.create(queueType, "failures", { messageRetentionSeconds: 1_209_600 });
    inputs = {
      eventSourceArn: table.outputs.streamArn,
      functionName: worker.id,
      startingPosition: "TRIM_HORIZON",
      batchSize: 10,
      bisectBatchOnFunctionError: true,
      functionResponseTypes: ["ReportBatchItemFailures"],
      maximumRetryAttempts: 2,
      maximumRecordAgeInSeconds: 21_600,
      destinationConfig: { onFailure: { destinationArn: queue.outputs.arn } },
    };
  });
  after(() => test.stop());

  const client = () => new DynamoDBClient({ ...localAccess, endpoint: test.aws.dynamodb.endpoint });
  const put = (user: string, kind: string, more: Record<string, AttributeValue> = {}) =>
    client().send(new PutItemCommand({ TableName: table.id, Item: { user: { S: user }, kind: { S: kind }, ...more } }));
  const lines = (): Line[] => {
    const file = join(folder, "out");
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Line);
  };
  const records = () => lines().flatMap(({ record }) => record ?? []);
  const keysOf = (user: string) =>
    records()
      .map(({ dynamodb }) => dynamodb.Keys as Record<string, { S: string }>)
      .filter((keys) => keys.user?.S === user)
      .map((keys) => keys.kind?.S);
  const handed = (describe: string, condition: () => boolean) => until(condition, { describe, timeout: 30_000 });
  const idle = () =>
    handed("everything is handed over", () => test.aws.mappings.describe().every(({ isIdle }) => isIdle));
  const letters = () =>
    (test.aws.queues.describe()[0]?.newest ?? []).map(({ body }) => JSON.parse(body) as Record<string, Properties>);

  it("hands over what happened before it was made, in the form that Lambda has", async () => {
    await put("a", "1", { bytes: { B: Buffer.from([0, 255]) }, wide: { N: "9223372036854775807" } });
    await put("a", "1", { other: { S: "é" } });
    const key = { user: { S: "a" }, kind: { S: "1" } };
    await client().send(new DeleteItemCommand({ TableName: table.id, Key: key }));
    mapping = await test.create(mappingType, "mapping", inputs);
    const { uuid, state, functionArn, parallelizationFactor } = mapping.outputs;
    assert.match(String(uuid), /^[0-9a-f]{8}-[0-9a-f]{4}-/);
    const arn = `arn:aws:lambda:us-east-1:123456789012:function:${worker.id}`;
    assert.deepEqual([state, functionArn, parallelizationFactor], ["Enabled", arn, 1]);
    await handed("three records", () => records().length === 3);
    assert.deepEqual(
      records().map(({ eventName }) => eventName),
      ["INSERT", "MODIFY", "REMOVE"],
    );
    const [first] = records();
    assert.deepEqual(first?.dynamodb.Keys, key);
    assert.deepEqual((first?.dynamodb as unknown as Properties).NewImage, {
      ...key,
      bytes: { B: "AP8=" },
      wide: { N: "9223372036854775807" },
    });
    const { eventSource, eventSourceARN, awsRegion, eventVersion } = first as Properties;
    assert.deepEqual(
      [eventSource, eventSourceARN, awsRegion, eventVersion],
      ["aws:dynamodb", table.outputs.streamArn, "us-east-1", "1.1"],
    );
  });

  it("works in one process, on full batches when there is much", async () => {
    const before = lines().length;
    mapping = await test.update(mappingType, "mapping", mapping, { ...inputs, enabled: false });
    assert.equal(mapping.outputs.state, "Disabled");
    for (let n = 0; n < 40; n++) await put("b", `${n}`);
    assert.equal(lines().length, before, "it is disabled");
    mapping = await test.update(mappingType, "mapping", mapping, inputs);
    await handed("all of b", () => keysOf("b").length === 40);
    assert.deepEqual(
      keysOf("b"),
      Array.from({ length: 40 }, (_, n) => `${n}`),
      "nothing was skipped, in order",
    );
    const since = lines().slice(before);
    assert.deepEqual(new Set(since.flatMap(({ start }) => start ?? [])), new Set([10]));
    assert.equal(new Set(since.map(({ pid }) => pid)).size, 1);
  });

  it("works on lanes beside each other, a partition's records in order", async () => {
    mapping = await test.update(mappingType, "mapping", mapping, {
      ...inputs,
      batchSize: 2,
      parallelizationFactor: 4,
      enabled: false,
    });
    const users = ["c", "d", "e", "f", "g", "h"];
    for (let n = 0; n < 6; n++) for (const user of users) await put(user, `${n}`, { wish: { S: "slow" } });
    const before = lines().length;
    mapping = await test.update(mappingType, "mapping", mapping, { ...inputs, batchSize: 2, parallelizationFactor: 4 });
    await handed("all of them", () => users.every((user) => keysOf(user).length === 6));
    for (const user of users) assert.deepEqual(keysOf(user), ["0", "1", "2", "3", "4", "5"]);
    assert.ok(
      new Set(
        lines()
          .slice(before)
          .map(({ pid }) => pid),
      ).size > 1,
    );
    mapping = await test.update(mappingType, "mapping", mapping, inputs);
  });

  it("halves a batch that fails, so that a bad record goes alone, and says so to the queue", async () => {
    mapping = await test.update(mappingType, "mapping", mapping, { ...inputs, enabled: false });
    for (const n of [0, 1, 2, 3, 4, 5, 6, 7]) await put("i", `${n}`, n === 5 ? { wish: { S: "throw" } } : {});
    mapping = await test.update(mappingType, "mapping", mapping, inputs);
    await handed("the last one", () => keysOf("i").includes("7"));
    assert.deepEqual([...new Set(keysOf("i"))], ["0", "1", "2", "3", "4", "6", "7"]);
    await handed("the letter", () => letters().length === 1);
    const [letter] = letters();
    assert.deepEqual(Object.keys(letter ?? {}).sort(), [
      "DDBStreamBatchInfo",
      "requestContext",
      "responseContext",
      "timestamp",
      "version",
    ]);
    assert.equal(letter?.requestContext?.condition, "RetryAttemptsExhausted");
    assert.equal(letter?.requestContext?.functionArn, mapping.outputs.functionArn);
    assert.equal(letter?.responseContext?.functionError, "Unhandled");
    const { batchSize, startSequenceNumber, endSequenceNumber, streamArn } = letter?.DDBStreamBatchInfo ?? {};
    assert.deepEqual([batchSize, startSequenceNumber], [1, endSequenceNumber]);
    assert.equal(streamArn, table.outputs.streamArn);
    assert.ok(!JSON.stringify(letter).includes('"wish"'), "it carries no records");
  });

  it("goes on from the record that the function names, and gives the rest up when its retries are over", async () => {
    mapping = await test.update(mappingType, "mapping", mapping, { ...inputs, enabled: false });
    for (const n of [0, 1, 2, 3, 4]) await put("j", `${n}`, n === 3 ? { wish: { S: "report" } } : {});
    mapping = await test.update(mappingType, "mapping", mapping, inputs);
    await handed("the letter", () => letters().length === 2);
    assert.deepEqual(keysOf("j"), ["0", "1", "2"], "what had worked is not done again");
    const { batchSize } = letters()[1]?.DDBStreamBatchInfo ?? {};
    assert.deepEqual([batchSize, letters()[1]?.requestContext?.approximateInvokeCount], [2, 3]);
    await put("j", "next");
    await handed("what came after", () => keysOf("j").includes("next"));
  });

  it("takes an answer that names no record for a failure of all, and survives the function's end", async () => {
    await put("k", "0", { wish: { S: "nonsense" } });
    await put("k", "1", { wish: { S: "exit" } });
    await put("k", "2");
    await handed("the good one", () => keysOf("k").includes("2"));
    await handed("the letters", () => letters().length === 4);
    assert.deepEqual(keysOf("k"), ["2"]);
  });

  it("follows shards in the order of their descent", async function () {
    mapping = await test.update(mappingType, "mapping", mapping, { ...inputs, enabled: false });
    for (let n = 0; n < 30; n++) {
      await put("o", `${n}`, n < 5 ? { wish: { S: "slow" } } : {});
      if (n % 10 !== 9) continue;
      const rollover = { TableName: "[TEST_CONTROL]", Item: { ACTION: { S: "ROLLOVER" } } };
      // Only Amazon's emulator can be told to close its shards.
      const isTold = await test.aws.dynamodb.api.call("DynamoDB", "PutItem", rollover).then(
        () => true,
        () => false,
      );
      if (!isTold) this.skip();
    }
    mapping = await test.update(mappingType, "mapping", mapping, inputs);
    await handed("all of them", () => keysOf("o").length === 30);
    assert.deepEqual(
      keysOf("o"),
      Array.from({ length: 30 }, (_, n) => `${n}`),
    );
    const checkpoint = join(folder, "mappings", `${mapping.id}.json`);
    const finished = () => readFileSync(checkpoint, "utf8").split('"isDone":true').length - 1;
    await handed("three shards are finished", () => finished() >= 3);
  });

  it("loses nothing when the emulator is killed under it", async () => {
    let isOver = false;
    const written: string[] = [];
    const writing = (async () => {
      for (let n = 0; !isOver; n++) {
        const isIn = await put("l", `${n}`).then(
          () => true,
          () => false,
        );
        if (isIn) written.push(`${n}`);
      }
    })();
    await until(() => keysOf("l").length > 10, { describe: "records arrive" });
    process.kill(test.aws.dynamodb.describe()?.pid ?? 0, "SIGKILL");
    const count = written.length;
    await until(() => written.length > count + 10, { describe: "writes go on", timeout: 30_000 });
    isOver = true;
    await writing;
    await handed("everything", () => written.every((kind) => keysOf("l").includes(kind)));
  });

  it("goes on where it was after everything was stopped, or was killed", async () => {
    await idle();
    const before = keysOf("b").length + keysOf("l").length;
    await test.stop();
    appendFileSync(join(folder, "out"), "");
    test = await TestAws.start(folder);
    await put("m", "1");
    await handed("the new one", () => keysOf("m").length === 1);
    assert.equal(keysOf("b").length + keysOf("l").length, before, "nothing was handed over again");
  });

  it("starts with what comes after it, if so wished, from the moment on at which it is there", async () => {
    const other = await test.create(functionType, "other", { ...worker.inputs, name: "other" });
    const latest = await test.create(mappingType, "latest", {
      ...inputs,
      functionName: other.id,
      startingPosition: "LATEST",
    });
    await test.delete(mappingType, "mapping", mapping);
    await put("n", "1");
    await handed("the new one", () => keysOf("n").length === 1);
    await idle();
    assert.equal(keysOf("m").length, 1);
    await test.delete(mappingType, "latest", latest);
    await put("n", "2");
    mapping = await test.create(mappingType, "mapping", inputs);
    await handed("all from the beginning", () => keysOf("n").length === 3);
    assert.equal(keysOf("m").length, 2);
  });

  it("refuses what Lambda refuses, and what nothing here could honour", async () => {
    const wrong = {
      ...inputs,
      batchSize: 0,
      parallelizationFactor: 11,
      maximumRecordAgeInSeconds: 5,
      tumblingWindowInSeconds: 5,
    };
    assert.throws(
      () => test.check(mappingType, "wrong", wrong),
      /tumblingWindow.*the local AWS has.*\nbatchSize: 0 is not.*\nparallelizationFactor: 11.*\nmaximumRecordAge/s,
    );
    const lost = { ...inputs, eventSourceArn: `${String(table.outputs.streamArn)}x` };
    await assert.rejects(test.create(mappingType, "lost", lost), /InvalidParameterValueException: Stream not found/);
    await assert.rejects(
      test.create(mappingType, "nobody", { ...inputs, functionName: "nobody" }),
      /Function not found/,
    );
    await assert.rejects(test.create(mappingType, "twice", inputs), /ResourceConflictException/);
  });

  it("waits, and tells so, when its stream is gone", async () => {
    await test.delete(mappingType, "mapping", mapping);
    mapping = await test.create(mappingType, "mapping", inputs);
    await idle();
    await test.delete(tableType, "table", table);
    await handed("the complaint", () => test.lines.some((line) => line.includes("there is no stream")));
    await test.delete(mappingType, "mapping", mapping);
    await test.delete(queueType, "failures", queue);
    assert.deepEqual(test.aws.queues.describe(), []);
  });
});
