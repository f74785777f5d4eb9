import assert from "node:assert/strict";
import { Tables } from "../../../components/data/tables.ts";
import { Events } from "../../../components/events/events.ts";
import { permissionsOf } from "../../support/policies.ts";
import { runProgram } from "../../support/program.ts";

const alarmType = "aws:cloudwatch/metricAlarm:MetricAlarm";
const events = () =>
  runProgram(
    () =>
      void new Events("chirp", {
        artifact: { path: "/somewhere/fanout.mjs", sha256: "e".repeat(64) },
        logGroupName: "/chirp/dev/fanout",
        tables: new Tables("chirp", { teardown: false, after: [] }),
        threshold: 700,
      }),
  );

describe("events", () => {
  it("reads the stream from its beginning, and lets no bad record stop those behind it", async () => {
    const run = await events();
    assert.deepEqual(run.one("aws:lambda/eventSourceMapping:EventSourceMapping", "chirp-fanout-stream").inputs, {
      eventSourceArn: "arn:chirp-table/stream",
      functionName: "chirp-fanout-1a2b3c4",
      startingPosition: "TRIM_HORIZON",
      batchSize: 100,
      parallelizationFactor: 10,
      functionResponseTypes: ["ReportBatchItemFailures"],
      bisectBatchOnFunctionError: true,
      maximumRetryAttempts: 20,
      maximumRecordAgeInSeconds: 21_600,
      destinationConfig: { onFailure: { destinationArn: "arn:chirp-fanout-failures" } },
    });
  });

  it("keeps what was given up as long as a queue can, encrypted", async () => {
    const { inputs } = (await events()).one("aws:sqs/queue:Queue", "chirp-fanout-failures");
    assert.deepEqual(inputs, { messageRetentionSeconds: 1_209_600, sqsManagedSseEnabled: true });
  });

  it("tells the function its table and threshold, and keeps it out of the network", async () => {
    const { inputs } = (await events()).one("aws:lambda/function:Function", "chirp-fanout");
    assert.deepEqual(inputs.environment, { variables: { TABLE_NAME: "chirp-table-1a2b3c4", FANOUT_THRESHOLD: "700" } });
    assert.equal(inputs.vpcConfig, undefined);
    assert.equal(inputs.timeout, 300);
  });

  it("may read its own stream, use its own table and give up to its own queue", async () => {
    const may = permissionsOf(await events(), "chirp-fanout-policy");
    for (const action of ["DescribeStream", "GetRecords", "GetShardIterator"])
      assert.deepEqual(may[`dynamodb:${action}`], ["arn:chirp-table/stream"]);
    for (const action of ["GetItem", "BatchGetItem", "Query", "BatchWriteItem", "PutItem", "UpdateItem", "DeleteItem"])
      assert.deepEqual(may[`dynamodb:${action}`], ["arn:chirp-table"]);
    assert.deepEqual(may["sqs:SendMessage"], ["arn:chirp-fanout-failures"]);
    const everywhere = Object.entries(may).filter(([, resources]) => resources.includes("*"));
    assert.deepEqual(everywhere, [["dynamodb:ListStreams", ["*"]]]);
    assert.equal(may["dynamodb:Scan"], undefined);
  });

  it("rings when timelines are late, when the function fails and when records were given up", async () => {
    const rings = Object.fromEntries(
      (await events())
        .of(alarmType)
        .map(({ name, inputs }) => [name, [inputs.namespace, inputs.metricName, inputs.threshold, inputs.dimensions]]),
    );
    assert.deepEqual(rings, {
      "chirp-fanout-late": ["AWS/Lambda", "IteratorAge", 300_000, { FunctionName: "chirp-fanout-1a2b3c4" }],
      "chirp-fanout-errors": ["AWS/Lambda", "Errors", 0, { FunctionName: "chirp-fanout-1a2b3c4" }],
      "chirp-fanout-failed": [
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        0,
        { QueueName: "chirp-fanout-failures-1a2b3c4" },
      ],
    });
    for (const { inputs } of (await events()).of(alarmType)) assert.equal(inputs.treatMissingData, "notBreaching");
  });
});
