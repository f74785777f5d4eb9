import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** Arguments of `Database`. */
export interface DatabaseArgs {
  /** Isolated subnets, one per zone. AWS never moves an instance within a VPC: they are right from the start. */
  readonly subnetIds: pulumi.Input<string[]>;
  readonly securityGroupId: pulumi.Input<string>;
  /** RDS instance class. */
  readonly instanceClass: string;
  /** GB to begin with; it grows by itself to four times this. */
  readonly storage: number;
  /** Whether a synchronous standby runs in a second zone. */
  readonly standby: boolean;
  /** Name of the snapshot made when the database is deleted; unique for the life of the stack. */
  readonly finalSnapshot: string;
  /** Whether the database may be deleted: the first of the two updates that remove a stack. */
  readonly teardown: boolean;
}

/** A MySQL with everything a later phase needs already on, and the secrets of those who log in to it. */
export class Database extends pulumi.ComponentResource {
  /** Identifier of the instance. */
  readonly identifier: pulumi.Output<string>;
  /** Host name. */
  readonly host: pulumi.Output<string>;
  /** TCP port. */
  readonly port: pulumi.Output<number>;
  /** Name of the schema. */
  readonly schema = "chirp";
  /** Subnet group and parameter group, for another instance of the same kind beside it. */
  readonly subnetGroupName: pulumi.Output<string>;
  readonly parameterGroupName: pulumi.Output<string>;
  /** Certificate authority whose certificate the server shows; empty where connections are not encrypted. */
  readonly certificateAuthority: pulumi.Output<string>;
  /** Secret with the administrator's user name and password; RDS makes it and changes it every seven days. */
  readonly adminSecretArn: pulumi.Output<string>;
  /** Secret with the application's own user. Created empty: the first server that starts fills it. */
  readonly appSecretArn: pulumi.Output<string>;

  constructor(name: string, args: DatabaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:data:Database", name, {}, opts);
    const subnetGroup = new aws.rds.SubnetGroup(
      `${name}-database-subnets`,
      { subnetIds: args.subnetIds, description: "Chirp isolated subnets" },
      { parent: this },
    );
    const parameterGroup = new aws.rds.ParameterGroup(
      `${name}-database-parameters`,
      { family: "mysql8.4", description: "Chirp MySQL with a complete binlog", parameters },
      { parent: this },
    );
    const instance = new aws.rds.Instance(
      `${name}-database`,
      {
        engine: "mysql",
        engineVersion: "8.4",
        instanceClass: args.instanceClass,
        dbName: this.schema,
        username: "admin",
        // No password in the program, its state or anybody's shell history.
        manageMasterUserPassword: true,
        dbSubnetGroupName: subnetGroup.name,
        vpcSecurityGroupIds: [args.securityGroupId],
        parameterGroupName: parameterGroup.name,
        publiclyAccessible: false,
        storageEncrypted: true,
        storageType: "gp3",
        allocatedStorage: args.storage,
        maxAllocatedStorage: args.storage * 4,
        // A binlog is only kept while backups are on.
        backupRetentionPeriod: 7,
        copyTagsToSnapshot: true,
        deleteAutomatedBackups: false,
        enabledCloudwatchLogsExports: ["error"],
        multiAz: args.standby,
        // Else a change would wait for the maintenance window, and `pulumi up` would report what has not happened.
        applyImmediately: true,
        autoMinorVersionUpgrade: true,
        skipFinalSnapshot: false,
        finalSnapshotIdentifier: args.finalSnapshot,
        deletionProtection: !args.teardown,
      },
      // The engine refuses to delete what is protected, whatever a program asks for.
      { parent: this, protect: !args.teardown },
    );
    const appSecret = new aws.secretsmanager.Secret(
      `${name}-database-app-user`,
      { description: "Database user of the Chirp servers, filled in by the first of them" },
      { parent: this, protect: !args.teardown },
    );

    this.identifier = instance.identifier;
    this.subnetGroupName = subnetGroup.name;
    this.parameterGroupName = parameterGroup.name;
    this.host = instance.address;
    this.port = instance.port;
    this.certificateAuthority = instance.caCertIdentifier;
    this.adminSecretArn = instance.masterUserSecrets.apply((secrets) => secrets[0]?.secretArn ?? "");
    this.appSecretArn = appSecret.arn;
    this.registerOutputs({ host: this.host, port: this.port });
  }
}

/**
 * All a binlog reader will need in phase 5, from the start: attaching another parameter group later takes a reboot, and
 * these can't be made up for the rows written before.
 */
const parameters: aws.types.input.rds.ParameterGroupParameter[] = [
  { name: "binlog_format", value: "ROW" },
  { name: "binlog_row_image", value: "FULL" },
  { name: "binlog_row_metadata", value: "FULL" },
  // Static: taken up when the instance starts for the first time.
  { name: "gtid-mode", value: "ON", applyMethod: "pending-reboot" },
  { name: "enforce_gtid_consistency", value: "ON", applyMethod: "pending-reboot" },
  { name: "character_set_server", value: "utf8mb4" },
  { name: "require_secure_transport", value: "1" },
];
