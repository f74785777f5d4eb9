import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { alarm } from "../alarm.ts";
import type { Tables } from "../data/tables.ts";
import type { Artifact } from "../delivery/artifact.ts";
import { lambdaFunction } from "../function.ts";
import { allow, type Statement } from "../permissions.ts";

/** Arguments of `Events`. */
export interface EventsArgs {
  /** The fan-out's code, `app/functions/fanout.ts`. */
  readonly artifact: Artifact;
  /** CloudWatch log group, `/chirp/<stack>/fanout`. */
  readonly logGroupName: string;
  readonly tables: Tables;
  /** Followers above which an author's posts are merged when timelines are read, instead of written into each. */
  readonly threshold: number;
}

/** Seconds: a stream keeps a record for 24 hours, so what is given up can still be fetched by its address for 18. */
const oldest = 6 * 3600;

/** What follows from changes of the table: home timelines, kept up to date by a function that reads the stream. */
export class Events extends pulumi.ComponentResource {
  constructor(name: string, args: EventsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:events:Events", name, {}, opts);
    const child = { parent: this };
    const failures = new aws.sqs.Queue(
      `${name}-fanout-failures`,
      // The most SQS knows, so that nothing goes before somebody has looked: 14 days.
      { messageRetentionSeconds: 14 * 24 * 3600, sqsManagedSseEnabled: true },
      child,
    );
    const fanout = lambdaFunction(
      `${name}-fanout`,
      {
        description: "Keeps home timelines up to date with the stream of the table",
        artifact: args.artifact,
        logGroupName: args.logGroupName,
        permissions: permissions(args.tables, failures),
        environment: { TABLE_NAME: args.tables.name, FANOUT_THRESHOLD: String(args.threshold) },
        memory: 512,
        // A batch may hold posts of several authors with thousands of followers each.
        timeout: 300,
      },
      this,
    );
    new aws.lambda.EventSourceMapping(`${name}-fanout-stream`, mapping(args.tables, fanout, failures), child);
    watch(name, fanout, failures, child);
    this.registerOutputs({});
  }
}

/** By itself a mapping would try a bad record again for a day, and hold up all that come behind it in its shard. */
function mapping(tables: Tables, fanout: aws.lambda.Function, failures: aws.sqs.Queue) {
  return {
    eventSourceArn: tables.streamArn,
    functionName: fanout.name,
    // LATEST would lose what is written while the mapping is being made.
    startingPosition: "TRIM_HORIZON",
    batchSize: 100,
    // Batches of one shard at once; items of one partition stay in order.
    parallelizationFactor: 10,
    functionResponseTypes: ["ReportBatchItemFailures"],
    bisectBatchOnFunctionError: true,
    maximumRetryAttempts: 20,
    maximumRecordAgeInSeconds: oldest,
    destinationConfig: { onFailure: { destinationArn: failures.arn } },
  } satisfies aws.lambda.EventSourceMappingArgs;
}

/** It reads posts and who follows whom, writes and takes away entries, and raises a timeline's floor. No scan. */
const tableActions = [
  "dynamodb:BatchGetItem",
  "dynamodb:BatchWriteItem",
  "dynamodb:DeleteItem",
  "dynamodb:GetItem",
  "dynamodb:PutItem",
  "dynamodb:Query",
  "dynamodb:UpdateItem",
];

function permissions({ arn, streamArn }: Tables, failures: aws.sqs.Queue): Statement[] {
  return [
    allow(["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"], [streamArn]),
    // AWS lets this one not be narrowed to a stream.
    allow(["dynamodb:ListStreams"], ["*"]),
    allow(tableActions, [arn]),
    allow(["sqs:SendMessage"], [failures.arn]),
  ];
}

function watch(name: string, fanout: aws.lambda.Function, failures: aws.sqs.Queue, opts: pulumi.CustomResourceOptions) {
  const ofFunction = { namespace: "AWS/Lambda", dimensions: { FunctionName: fanout.name } };
  alarm(
    `${name}-fanout-late`,
    {
      ...ofFunction,
      description: "Home timelines are more than five minutes behind: look at the log of the fan-out function",
      metric: "IteratorAge",
      statistic: "Maximum",
      threshold: { above: 300_000 },
      periods: 3,
      missing: "notBreaching",
    },
    opts,
  );
  alarm(
    `${name}-fanout-errors`,
    {
      ...ofFunction,
      description: "The fan-out function fails, and goes on trying: look at its log",
      metric: "Errors",
      statistic: "Sum",
      threshold: { above: 0 },
      periods: 3,
      missing: "notBreaching",
    },
    opts,
  );
  alarm(
    `${name}-fanout-failed`,
    {
      namespace: "AWS/SQS",
      dimensions: { QueueName: failures.name },
      description:
        "Fan-out gave records up. The messages say where in the stream they are; fetch them within 18 hours of giving up",
      metric: "ApproximateNumberOfMessagesVisible",
      statistic: "Maximum",
      threshold: { above: 0 },
      missing: "notBreaching",
    },
    opts,
  );
}
