import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import { renderBootstrap } from "../../app/agent/bootstrap.ts";
import { machineRole } from "../compute/role.ts";
import { launchTemplate } from "../compute/template.ts";
import type { Tables } from "../data/tables.ts";
import type { Delivery } from "../delivery/delivery.ts";
import { allow, type Statement } from "../permissions.ts";

/** Arguments of `worker`. */
export interface WorkerArgs {
  /** Amazon Linux 2023 image, pinned. */
  readonly ami: string;
  readonly instanceType: string;
  /** Root volume in GB; Amazon Linux 2023 needs 8. */
  readonly diskSize: number;
  /** Private subnets, one per zone. */
  readonly subnetIds: pulumi.Input<string[]>;
  readonly securityGroupId: pulumi.Input<string>;
  readonly region: string;
  readonly delivery: Delivery;
  /** Name of the worker's release parameter, `<folder>/release`: the bootstrap makes `<folder>/servers` its log group. */
  readonly releaseName: string;
  /** What the worker is told. */
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
  readonly tables: Tables;
  /** Secret of its database user. */
  readonly secretArn: pulumi.Input<string>;
  /** What must be there before it starts. */
  readonly after: readonly pulumi.Resource[];
}

/**
 * The machine that moves rows: a group of exactly one, started again wherever there is room when it dies. It runs the
 * servers' own bundle in another part, serves nobody, and keeps nothing but what is in the journal.
 */
export function worker(name: string, args: WorkerArgs, parent: pulumi.Resource): aws.autoscaling.Group {
  const { delivery, releaseName, environment, region } = args;
  const description = "Which bundle the Chirp migration worker runs, and in which environment";
  const release = delivery.release(`${name}-worker-release`, { releaseName, description, environment }, parent);
  const { profile, policy } = machineRole(
    `${name}-worker`,
    {
      logGroupName: releaseName.replace(/release$/, "servers"),
      releaseArn: release.arn,
      bucketArn: delivery.bucketArn,
      permissions: permissions(args),
    },
    parent,
  );
  const tags = { Name: `${name}-worker` };
  const { ami, instanceType, diskSize, securityGroupId } = args;
  const bootstrap = release.version.apply((version) =>
    renderBootstrap({ release: `${releaseName}:${version}`, region }),
  );
  const template = launchTemplate(
    `${name}-worker-template`,
    { ami, instanceType, diskSize, securityGroupId, instanceProfileArn: profile.arn, bootstrap, tags },
    parent,
  );
  return new aws.autoscaling.Group(
    `${name}-worker`,
    {
      vpcZoneIdentifiers: args.subnetIds,
      minSize: 1,
      maxSize: 1,
      desiredCapacity: 1,
      launchTemplate: template,
      // Nobody asks it for anything; it is there or it isn't. That it works is seen by its metrics.
      healthCheckType: "EC2",
      healthCheckGracePeriod: 120,
      instanceRefresh: {
        strategy: "Rolling",
        // The old one ends first: a second one would take the work from its hands half done.
        preferences: { minHealthyPercentage: 0, maxHealthyPercentage: 100, skipMatching: true },
      },
      tags: Object.entries(tags).map(([key, value]) => ({ key, value, propagateAtLaunch: false })),
    },
    { parent, dependsOn: [policy, ...args.after] },
  );
}

function permissions({ tables, secretArn }: WorkerArgs): Statement[] {
  return [
    allow(["secretsmanager:GetSecretValue"], [secretArn]),
    allow(tableActions, [tables.arn]),
    allow(journalActions, [tables.journalArn]),
  ];
}

/** It writes guarded puts, looks through everything, and takes away an item only to mend what has no row. */
const tableActions = [
  "dynamodb:BatchGetItem",
  "dynamodb:DeleteItem",
  "dynamodb:GetItem",
  "dynamodb:PartiQLInsert",
  "dynamodb:PutItem",
  "dynamodb:Query",
  "dynamodb:Scan",
];

/** Every write of the journal is a transaction that looks at the fence. */
export const journalActions = [
  "dynamodb:BatchGetItem",
  "dynamodb:ConditionCheckItem",
  "dynamodb:DeleteItem",
  "dynamodb:GetItem",
  "dynamodb:PutItem",
  "dynamodb:Query",
  "dynamodb:UpdateItem",
];
