import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { Database } from "../data/database.ts";

/** Arguments of `databaseCopy`. */
export interface CopyArgs {
  /** The database that is copied. */
  readonly database: Database;
  /** Name of the snapshot: of its own for each migration, or a second one would meet the first one's. */
  readonly snapshotName: string;
  readonly securityGroupId: pulumi.Input<string>;
  /** RDS instance class. */
  readonly instanceClass: string;
  /** What has to be done before the snapshot is taken. */
  readonly after: readonly pulumi.Resource[];
}

/** The first snapshot of a large database, and a copy from it, take hours; the provider waits for 20 and 60 minutes. */
const patience = { create: "6h" };

/**
 * A copy of the database as it was at one moment, for reading all old rows from without a load on the primary. It holds
 * nothing that the primary doesn't: it isn't protected, isn't backed up, and goes without a final snapshot.
 */
export function databaseCopy(name: string, args: CopyArgs, parent: pulumi.Resource): aws.rds.Instance {
  const { database } = args;
  const snapshot = new aws.rds.Snapshot(
    `${name}-migration-snapshot`,
    { dbInstanceIdentifier: database.identifier, dbSnapshotIdentifier: args.snapshotName },
    { parent, dependsOn: [...args.after], customTimeouts: patience },
  );
  // Users, passwords, storage and schema come with the snapshot.
  return new aws.rds.Instance(
    `${name}-migration-copy`,
    {
      snapshotIdentifier: snapshot.id,
      engine: "mysql",
      instanceClass: args.instanceClass,
      dbSubnetGroupName: database.subnetGroupName,
      vpcSecurityGroupIds: [args.securityGroupId],
      parameterGroupName: database.parameterGroupName,
      publiclyAccessible: false,
      storageEncrypted: true,
      storageType: "gp3",
      multiAz: false,
      backupRetentionPeriod: 0,
      deleteAutomatedBackups: true,
      skipFinalSnapshot: true,
      deletionProtection: false,
      applyImmediately: true,
      // Nothing restarts it while it is read.
      autoMinorVersionUpgrade: false,
    },
    { parent, customTimeouts: patience },
  );
}
