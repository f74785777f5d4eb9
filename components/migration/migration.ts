import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Database } from "../data/database.ts";
import type { Tables } from "../data/tables.ts";
import type { Artifact } from "../delivery/artifact.ts";
import type { Delivery } from "../delivery/delivery.ts";
import { databaseEnvironment } from "../delivery/environment.ts";
import type { MigrationGroups } from "../firewall.ts";
import { begin } from "./begin.ts";
import { databaseCopy } from "./copy.ts";
import { watch } from "./watch.ts";
import { worker } from "./worker.ts";

/** Arguments of `Migration`. */
export interface MigrationArgs {
  readonly stack: string;
  readonly region: string;
  /** Counts the migrations of the stack, from 1. */
  readonly run: number;
  /** Only with `snapshot` are there a snapshot and a copy of the database. */
  readonly strategy: "snapshot" | "dual-write" | "bulk";
  /** Code of the function that begins it, `app/functions/begin.ts`. */
  readonly artifact: Artifact;
  readonly delivery: Delivery;
  readonly database: Database;
  readonly tables: Tables;
  /** Unique for the life of the stack. */
  readonly snapshotName: string;
  /** RDS instance class of the copy. */
  readonly databaseClass: string;
  /** Private subnets with a way out, one per zone. */
  readonly subnetIds: pulumi.Input<string[]>;
  readonly groups: MigrationGroups;
  /** Group whose members stay: what a function leaves behind in the network is put into it. */
  readonly lastSecurityGroupId: pulumi.Input<string>;
  readonly machine: {
    readonly ami: string;
    readonly instanceType: string;
    /** Root volume in GB. */
    readonly diskSize: number;
  };
  /** What has to be over before anything begins: servers that know the table, the network. */
  readonly after: readonly pulumi.Resource[];
  /** The way to the internet, which ending a migration needs as well. */
  readonly waysOut: pulumi.Output<pulumi.Resource[]>;
}

/**
 * What moves MySQL's rows to DynamoDB and keeps them equal from then on, one thing after the other:
 *
 *   begun (position recorded) → snapshot → copy → worker
 *
 * Only with strategy `snapshot` are there a snapshot and a copy; with the others old rows come from the primary. Going
 * away is the same in reverse, so changes are noted down until nobody is left to read them.
 */
export class Migration extends pulumi.ComponentResource {
  /** Command that brings the worker's page to http://localhost:8081, through Session Manager. */
  readonly page: pulumi.Output<string>;

  constructor(name: string, args: MigrationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:migration:Migration", name, {}, opts);
    const { stack, region, run, strategy, database, tables, groups, delivery, subnetIds } = args;
    const secret = new aws.secretsmanager.Secret(
      `${name}-worker-user`,
      { description: "Database user of the Chirp migration worker, filled in when a migration begins" },
      { parent: this },
    );
    const begun = begin(
      name,
      {
        artifact: args.artifact,
        logGroupName: `/chirp/${stack}/begin`,
        network: { subnetIds, securityGroupId: groups.beginId, lastSecurityGroupId: args.lastSecurityGroupId },
        database,
        tables,
        workerSecretArn: secret.arn,
        request: { run, strategy },
        after: args.waysOut.apply((ways) => [...args.after, ...ways]),
      },
      this,
    );
    const copy =
      strategy === "snapshot" && groups.copyId
        ? databaseCopy(
            name,
            {
              database,
              snapshotName: args.snapshotName,
              securityGroupId: groups.copyId,
              instanceClass: args.databaseClass,
              after: [begun],
            },
            this,
          )
        : undefined;
    const group = worker(
      name,
      {
        ...args.machine,
        subnetIds,
        securityGroupId: groups.workerId,
        region,
        delivery,
        releaseName: `/chirp/${stack}/worker/release`,
        environment: {
          ROLE: "migration",
          AWS_REGION: region,
          ...databaseEnvironment(database),
          WORKER_SECRET: secret.arn,
          TABLE_NAME: tables.name,
          JOURNAL_TABLE: tables.journalName,
          STRATEGY: strategy,
          RUN: String(run),
          ...(copy && { COPY_HOST: copy.address, COPY_PORT: copy.port.apply(String) }),
          STACK: stack,
          LOG_LEVEL: "info",
          // Its work takes little and the same for any history; without a limit, garbage would grow with the machine.
          NODE_OPTIONS: "--max-old-space-size=192 --max-semi-space-size=8",
        },
        tables,
        secretArn: secret.arn,
        after: [...args.after, begun],
      },
      this,
    );
    watch(name, { stack, readsBinlog: strategy !== "dual-write" }, { parent: this, dependsOn: [group] });
    this.page = group.name.apply(pageCommand);
    this.registerOutputs({ page: this.page });
  }
}

/** Nobody may talk to the worker over the network; which instance it is changes whenever it is replaced. */
function pageCommand(group: string): string {
  const instance =
    `aws autoscaling describe-auto-scaling-groups --auto-scaling-group-names ${group} ` +
    "--query 'AutoScalingGroups[0].Instances[0].InstanceId' --output text";
  return (
    `aws ssm start-session --target "$(${instance})" --document-name AWS-StartPortForwardingSession ` +
    "--parameters portNumber=80,localPortNumber=8081"
  );
}
