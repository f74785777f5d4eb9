import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { Database } from "../data/database.ts";
import type { Tables } from "../data/tables.ts";
import type { Artifact } from "../delivery/artifact.ts";
import { databaseEnvironment } from "../delivery/environment.ts";
import { type FunctionNetwork, lambdaFunction } from "../function.ts";
import { allow, type Statement } from "../permissions.ts";
import { journalActions } from "./worker.ts";

/** Arguments of `begin`. */
export interface BeginArgs {
  /** The function's code, `app/functions/begin.ts`. */
  readonly artifact: Artifact;
  /** CloudWatch log group, `/chirp/<stack>/begin`. */
  readonly logGroupName: string;
  readonly network: FunctionNetwork;
  readonly database: Database;
  readonly tables: Tables;
  /** Secret of the worker's database user, which this fills in. */
  readonly workerSecretArn: pulumi.Input<string>;
  /** What is asked of the function. */
  readonly request: BeginRequest;
  /** What has to be over before the migration begins, and to be there still when it is ended. */
  readonly after: pulumi.Input<pulumi.Resource[]>;
}

/** Which migration begins. */
export interface BeginRequest {
  /** Counts the migrations of the stack, from 1. */
  readonly run: number;
  readonly strategy: string;
}

/**
 * Begins the migration, once: checks that the database can be followed, makes the worker's database user, and writes down
 * the position from which changes will be read. Whatever the migration consists of comes after it.
 *
 * Asked in every part of its life (`CRUD`): when it goes, servers are told to stop writing for the migration.
 */
export function begin(name: string, args: BeginArgs, parent: pulumi.Resource): aws.lambda.Invocation {
  const { database, tables, workerSecretArn } = args;
  const beginner = lambdaFunction(
    `${name}-begin`,
    {
      description: "Begins and ends a migration of Chirp's data",
      artifact: args.artifact,
      logGroupName: args.logGroupName,
      permissions: permissions(args),
      environment: {
        ...databaseEnvironment(database),
        DB_ADMIN_SECRET: database.adminSecretArn,
        WORKER_SECRET: workerSecretArn,
        JOURNAL_TABLE: tables.journalName,
        TABLE_NAME: tables.name,
      },
      memory: 512,
      // The most Lambda allows: switching the outbox on waits for every open write, and the check reads whole tables.
      timeout: 900,
      network: args.network,
    },
    parent,
  );
  return new aws.lambda.Invocation(
    `${name}-begin-run`,
    // No triggers: they would replace it, so that the old one's end came after the new one's beginning.
    { functionName: beginner.name, input: JSON.stringify(args.request), lifecycleScope: "CRUD" },
    { parent, dependsOn: args.after },
  );
}

function permissions({ database, tables, workerSecretArn }: BeginArgs): Statement[] {
  return [
    allow(["secretsmanager:GetSecretValue"], [database.adminSecretArn, workerSecretArn]),
    allow(["secretsmanager:PutSecretValue"], [workerSecretArn]),
    allow(journalActions, [tables.journalArn]),
    allow(["dynamodb:DescribeTable"], [tables.arn]),
  ];
}
