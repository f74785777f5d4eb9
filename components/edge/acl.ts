import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** Arguments of `BlockingAcl`. */
export interface BlockingAclArgs {
  readonly vpcId: pulumi.Input<string>;
  /** Public subnets, in the order of `zones`. */
  readonly subnetIds: pulumi.Output<string[]>;
  readonly zones: readonly string[];
  /** IPv4 ranges that are turned away: at most 18, as an ACL has 20 rules a direction by default. */
  readonly blockedIps: readonly string[];
}

/** A network ACL that turns addresses away before a network load balancer, which has no WAF, sees them. */
export class BlockingAcl extends pulumi.ComponentResource {
  constructor(name: string, args: BlockingAclArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:edge:BlockingAcl", name, {}, opts);
    const everything = { protocol: "-1", fromPort: 0, toPort: 0 };
    const open = { ...everything, action: "allow", cidrBlock: "0.0.0.0/0", ruleNo: 30_000 };
    const acl = new aws.ec2.NetworkAcl(
      `${name}-public-acl`,
      {
        vpcId: args.vpcId,
        // Rules inside the resource: their numbers follow the list, and one update changes them all.
        ingress: [
          ...args.blockedIps.map((cidrBlock, index) => ({
            ...everything,
            action: "deny",
            cidrBlock,
            ruleNo: 100 + index,
          })),
          open,
        ],
        egress: [open],
      },
      { parent: this },
    );
    // The subnets join by separate resources, after the rules are there: an empty ACL lets nothing through.
    for (const [index, zone] of args.zones.entries())
      new aws.ec2.NetworkAclAssociation(
        `${name}-public-acl-${zone}`,
        { networkAclId: acl.id, subnetId: args.subnetIds.apply((ids) => ids[index] ?? "") },
        { parent: this },
      );
    this.registerOutputs({});
  }
}
