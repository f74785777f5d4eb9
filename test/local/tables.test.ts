import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DescribeTimeToLiveCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { DescribeStreamCommand, DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import { findDifference } from "../../local/provider/difference.ts";
import { resourceTypes } from "../../local/aws/types/index.ts";
import { streamNamed } from "../../local/parts/dynamo/tables.ts";
import type { Outcome } from "../../local/provider/operations.ts";
import { temporaryFolder } from "../support/folder.ts";
import { standInUserData, TestAws } from "../support/local-aws.ts";
import { localAccess } from "../support/test-dynamo.ts";
import { until } from "../support/wait.ts";

const type = "aws:dynamodb/table:Table";
const inputs = {
  billingMode: "PAY_PER_REQUEST",
  hashKey: "pk",
  rangeKey: "sk",
  attributes: [
    { name: "pk", type: "S" },
    { name: "sk", type: "S" },
  ],
  streamEnabled: true,
  streamViewType: "NEW_AND_OLD_IMAGES",
  ttl: { attributeName: "ttl", enabled: true },
  pointInTimeRecovery: { enabled: true },
  serverSideEncryption: { enabled: true },
  deletionProtectionEnabled: true,
};

describe("DynamoDB table", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  let test: TestAws;
  let made: Outcome;
  before(async () => {
    test = await TestAws.start(folder);
  });
  after(() => test.stop());

  const client = () => new DynamoDBClient({ ...localAccess, endpoint: test.aws.dynamodb.endpoint });
  const put = (n: number) =>
    client().send(
      new PutItemCommand({ TableName: made.id, Item: { pk: { S: "a" }, sk: { S: "b" }, n: { N: `${n}` } } }),
    );
  const read = async () => {
    const key = { pk: { S: "a" }, sk: { S: "b" } };
    return (await client().send(new GetItemCommand({ TableName: made.id, Key: key, ConsistentRead: true }))).Item?.n?.N;
  };
  const describeStream = () => {
    const stream = streamNamed(made.outputs.streamArn, test.aws) ?? assert.fail("no stream");
    const streams = new DynamoDBStreamsClient({ ...localAccess, endpoint: test.aws.dynamodb.endpoint });
    return streams.send(new DescribeStreamCommand({ StreamArn: stream.emulatorStream }));
  };

  it("has an address before there is one, in the environment of every server", async () => {
    assert.equal(test.aws.dynamodb.describe(), null);
    const program = '#!/bin/bash\necho "tables are at $AWS_ENDPOINT_URL_DYNAMODB $AWS_ENDPOINT_URL_DYNAMODB_STREAMS"\n';
    const server = await test.create("aws:ec2/instance:Instance", "early", {
      ami: "ami-1",
      userData: `${program}${standInUserData()}`,
    });
    const { endpoint } = test.aws.dynamodb;
    const log = join(folder, "instances", server.id, "server.log");
    await until(() => readFileSync(log, "utf8").includes(`tables are at ${endpoint} ${endpoint}\n`), {
      describe: "the server knows the address",
    });
    await test.delete("aws:ec2/instance:Instance", "early", server);
  });

  it("is a real one, with its stream and its time to live", async () => {
    made = await test.create(type, "table", inputs);
    assert.match(made.id, /^table-[0-9a-f]{7}$/);
    const { arn, streamArn, streamLabel } = made.outputs;
    assert.equal(arn, `arn:aws:dynamodb:us-east-1:123456789012:table/${made.id}`);
    assert.equal(streamArn, `${arn}/stream/${String(streamLabel)}`);
    assert.match(String(streamLabel), /^\d{4}-\d\d-\d\dT/);
    await put(1);
    assert.equal(await read(), "1");
    assert.equal((await describeStream()).StreamDescription?.StreamViewType, "NEW_AND_OLD_IMAGES");
    const { TimeToLiveDescription } = await client().send(new DescribeTimeToLiveCommand({ TableName: made.id }));
    assert.deepEqual(
      [TimeToLiveDescription?.AttributeName, TimeToLiveDescription?.TimeToLiveStatus],
      ["ttl", "ENABLED"],
    );
    assert.deepEqual(test.aws.dynamodb.describe()?.endpoint, test.aws.dynamodb.endpoint);
  });

  it("shares the emulator with other tables, which may have no stream", async () => {
    const before = test.aws.dynamodb.describe();
    const plain = { ...inputs, streamEnabled: undefined, streamViewType: undefined, ttl: undefined };
    const other = await test.create(type, "journal", { ...plain, deletionProtectionEnabled: false });
    assert.deepEqual([other.outputs.streamArn, other.outputs.streamLabel], ["", ""]);
    assert.deepEqual(test.aws.dynamodb.describe(), before);
    await test.delete(type, "journal", other);
  });

  it("comes back at the same address, with its items, when the emulator is killed", async () => {
    const before = test.aws.dynamodb.describe() ?? assert.fail();
    process.kill(before.pid, "SIGKILL");
    const another = () => {
      const now = test.aws.dynamodb.describe();
      return now?.pid === before.pid ? undefined : now;
    };
    const { endpoint } = await until(another, { describe: "another emulator runs", timeout: 30_000 });
    assert.equal(endpoint, before.endpoint);
    assert.equal(await read(), "1");
    await describeStream();
  });

  it("comes back after everything was stopped", async () => {
    const { endpoint } = test.aws.dynamodb;
    await test.stop();
    test = await TestAws.start(folder);
    assert.equal(test.aws.dynamodb.endpoint, endpoint);
    assert.equal(await read(), "1");
    const found = test.operations.read(type, made.id, test.urn(type, "table"));
    assert.deepEqual(found?.outputs, made.outputs);
    await describeStream();
  });

  it("changes in place what AWS changes in place; another stream has another ARN", async () => {
    const facts = resourceTypes[type] ?? assert.fail();
    const next = {
      ...inputs,
      streamViewType: "NEW_IMAGE",
      ttl: { enabled: false, attributeName: "ttl" },
      tags: { a: "b" },
    };
    assert.deepEqual(findDifference(type, facts, inputs, next).replaces, []);
    assert.deepEqual(findDifference(type, facts, inputs, { ...inputs, rangeKey: "other" }).replaces, ["rangeKey"]);
    const before = made.outputs;
    made = await test.update(type, "table", made, next);
    assert.notEqual(made.outputs.streamArn, before.streamArn);
    assert.equal(made.outputs.arn, before.arn);
    assert.equal((await describeStream()).StreamDescription?.StreamViewType, "NEW_IMAGE");
    const { TimeToLiveDescription } = await client().send(new DescribeTimeToLiveCommand({ TableName: made.id }));
    assert.equal(TimeToLiveDescription?.TimeToLiveStatus, "DISABLED");
    assert.equal(await read(), "1");
  });

  it("is warmed up but not cooled down", async () => {
    const warm = (write: number) => ({
      ...inputs,
      warmThroughput: { readUnitsPerSecond: 12_000, writeUnitsPerSecond: write },
    });
    made = await test.update(type, "table", made, warm(10_000));
    await assert.rejects(test.update(type, "table", made, warm(4000)), /warmThroughput can only be raised/);
    made = await test.update(type, "table", made, inputs);
  });

  it("says what is wrong with its inputs, and what nothing here could honour", () => {
    const wrong = { ...inputs, rangeKey: "other", streamViewType: undefined, globalSecondaryIndexes: [{ name: "i" }] };
    assert.throws(
      () => test.check(type, "wrong", wrong),
      /globalSecondaryIndexes: the local AWS.*Unused attributes: sk.*type of other.*streamViewType/s,
    );
    assert.throws(() => test.check(type, "wrong", { ...inputs, billingMode: undefined }), /readCapacity/);
  });

  it("is not deleted while it is protected", async () => {
    await assert.rejects(test.delete(type, "table", made), /ValidationException: .*protected against deletion/);
    assert.equal(await read(), "1");
    made = await test.update(type, "table", made, { ...inputs, deletionProtectionEnabled: false });
    await test.delete(type, "table", made);
    await assert.rejects(read(), { name: "ResourceNotFoundException" });
  });
});
