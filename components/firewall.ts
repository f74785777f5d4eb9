import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** Arguments of `Firewall`. */
export interface FirewallArgs {
  readonly vpcId: pulumi.Input<string>;
  /** Who the world may talk to: the server itself, or only the load balancer. */
  readonly entry: "server" | "balancer";
  /** Whether the load balancer also answers HTTPS. */
  readonly https: boolean;
  /** Those who move rows to another store, in a stack that does. @default none */
  readonly migration?: MigrationFirewallArgs | undefined;
}

/** Whom the migration consists of. */
export interface MigrationFirewallArgs {
  /** Whether old rows come from a copy of the database. */
  readonly copy: boolean;
}

/** Ids of the groups of the migration. */
export interface MigrationGroups {
  /** Group of the worker, which nobody may talk to. */
  readonly workerId: pulumi.Output<string>;
  /** Group of the function that begins the migration. */
  readonly beginId: pulumi.Output<string>;
  /** Group of the database's copy, if there is one. */
  readonly copyId: pulumi.Output<string> | undefined;
}

const world = "0.0.0.0/0";

/**
 * Who may talk to whom: one security group for each kind of machine and one resource for each permission, naming
 * groups instead of addresses. Going from one entry to the other only adds and removes rules; a removed rule goes at
 * the end of an update, after clients have moved.
 *
 * Descriptions of groups are frozen: changing one replaces the group, which fails while anything is in it.
 */
export class Firewall extends pulumi.ComponentResource {
  /** Group of every server, single or in a group. */
  readonly serversId: pulumi.Output<string>;
  /** Group of the database. */
  readonly databaseId: pulumi.Output<string>;
  /** Group of the load balancer; it exists from the start, as a network load balancer can't be given one later. */
  readonly balancerId: pulumi.Output<string>;
  /** Groups of the migration, in a stack that has one. */
  readonly migration: MigrationGroups | undefined;

  constructor(name: string, args: FirewallArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:network:Firewall", name, {}, opts);
    const group = (role: string, description: string) =>
      new aws.ec2.SecurityGroup(
        `${name}-${role}`,
        { vpcId: args.vpcId, description, tags: { Name: `${name}-${role}` } },
        { parent: this },
      ).id;
    const into = (role: string, args: Omit<aws.vpc.SecurityGroupIngressRuleArgs, "ipProtocol">) =>
      new aws.vpc.SecurityGroupIngressRule(`${name}-${role}`, { ipProtocol: "tcp", ...args }, { parent: this });
    const outOf = (role: string, args: Omit<aws.vpc.SecurityGroupEgressRuleArgs, "ipProtocol">) =>
      new aws.vpc.SecurityGroupEgressRule(`${name}-${role}`, { ipProtocol: "tcp", ...args }, { parent: this });
    const port = (number: number) => ({ fromPort: number, toPort: number });

    const balancer = group("balancer-group", "Chirp load balancer");
    const servers = group("servers-group", "Chirp servers");
    const database = group("database-group", "Chirp database");

    // Packages, the AWS APIs and their logs, all over HTTPS.
    outOf("servers-to-https", { securityGroupId: servers, cidrIpv4: world, ...port(443) });
    outOf("servers-to-database", { securityGroupId: servers, referencedSecurityGroupId: database, ...port(3306) });
    into("database-from-servers", { securityGroupId: database, referencedSecurityGroupId: servers, ...port(3306) });

    if (args.entry === "server") into("servers-from-world", { securityGroupId: servers, cidrIpv4: world, ...port(80) });
    if (args.entry === "balancer") {
      into("balancer-from-world-http", { securityGroupId: balancer, cidrIpv4: world, ...port(80) });
      if (args.https) into("balancer-from-world-https", { securityGroupId: balancer, cidrIpv4: world, ...port(443) });
      outOf("balancer-to-servers", { securityGroupId: balancer, referencedSecurityGroupId: servers, ...port(80) });
      into("servers-from-balancer", { securityGroupId: servers, referencedSecurityGroupId: balancer, ...port(80) });
    }

    const toDatabase = (role: string, database: pulumi.Output<string>, what: string, group: pulumi.Output<string>) => {
      outOf(`${role}-to-${what}`, { securityGroupId: group, referencedSecurityGroupId: database, ...port(3306) });
      into(`${what}-from-${role}`, { securityGroupId: database, referencedSecurityGroupId: group, ...port(3306) });
    };
    const toPrimary = (role: string, description: string) => {
      const id = group(`${role}-group`, description);
      outOf(`${role}-to-https`, { securityGroupId: id, cidrIpv4: world, ...port(443) });
      toDatabase(role, database, "database", id);
      return id;
    };
    this.migration = args.migration && {
      workerId: toPrimary("worker", "Chirp migration worker"),
      beginId: toPrimary("begin", "Chirp migration begin"),
      copyId: args.migration.copy ? group("copy-group", "Chirp database copy") : undefined,
    };
    if (this.migration?.copyId) toDatabase("worker", this.migration.copyId, "copy", this.migration.workerId);

    this.serversId = servers;
    this.databaseId = database;
    this.balancerId = balancer;
    this.registerOutputs({ serversId: servers, databaseId: database, balancerId: balancer });
  }
}
