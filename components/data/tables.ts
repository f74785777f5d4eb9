import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { tableDefinition } from "../../app/store/dynamodb/table-definition.ts";

/** Arguments of `Tables`. */
export interface TablesArgs {
  /** What the service's table is warmed for. @default what DynamoDB gives a new table */
  readonly warmth?: Warmth | undefined;
  /** Whether the tables may be deleted: the first of the two updates that remove a stack. */
  readonly teardown: boolean;
  /** What has to be done before they are made. */
  readonly after: readonly pulumi.Resource[];
}

/** Throughput that a table on demand can take at once, without having grown into it first. */
export interface Warmth {
  /** Units of write per second. DynamoDB never lowers it again. */
  readonly writes: number;
  /** Whether this is more than the table has been given so far. */
  readonly isRaised: boolean;
}

/** Where DynamoDB begins by itself; it has to be said beside the writes. */
const usualReads = 12_000;

/** The service's DynamoDB table with the stream of its changes, and the journal of the migration that fills it. */
export class Tables extends pulumi.ComponentResource {
  /** Name of the service's table. */
  readonly name: pulumi.Output<string>;
  readonly arn: pulumi.Output<string>;
  /** Stream of new and old images of the service's table. */
  readonly streamArn: pulumi.Output<string>;
  /** Name of the table that a migration keeps its place in. */
  readonly journalName: pulumi.Output<string>;
  readonly journalArn: pulumi.Output<string>;

  constructor(name: string, args: TablesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:data:Tables", name, {}, opts);
    const { partitionKey, sortKey, timeToLive, streamViewType } = tableDefinition;
    const { warmth, teardown } = args;
    const usual = {
      billingMode: "PAY_PER_REQUEST",
      hashKey: partitionKey,
      rangeKey: sortKey,
      attributes: [partitionKey, sortKey].map((name) => ({ name, type: "S" })),
      pointInTimeRecovery: { enabled: true },
      serverSideEncryption: { enabled: true },
      deletionProtectionEnabled: !teardown,
    };
    // The engine refuses to delete what is protected, whatever a program asks for.
    const kept = { parent: this, protect: !teardown, dependsOn: [...args.after] };
    const table = new aws.dynamodb.Table(
      `${name}-table`,
      {
        ...usual,
        streamEnabled: true,
        streamViewType,
        ttl: { attributeName: timeToLive, enabled: true },
        ...(warmth && { warmThroughput: { readUnitsPerSecond: usualReads, writeUnitsPerSecond: warmth.writes } }),
      },
      // DynamoDB raises it by itself as a table grows. To ask for less than it has by now would replace the table.
      { ...kept, ignoreChanges: warmth?.isRaised ? [] : ["warmThroughput"] },
    );
    const journal = new aws.dynamodb.Table(`${name}-journal`, usual, kept);
    this.name = table.name;
    this.arn = table.arn;
    this.streamArn = table.streamArn;
    this.journalName = journal.name;
    this.journalArn = journal.arn;
    this.registerOutputs({ name: this.name, journalName: this.journalName });
  }
}
