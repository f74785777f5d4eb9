import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type GuardArgs, guardRules, visibility } from "./rules.ts";

/** Arguments of `Waf`. */
export interface WafArgs {
  readonly balancerArn: pulumi.Input<string>;
  /** IPv4 ranges that are turned away. */
  readonly blockedIps: readonly string[];
  /** Requests in five minutes after which one address is turned away. */
  readonly rateLimit: number;
  /** Requests that another guard has counted already. @default none */
  readonly countedElsewhere?: GuardArgs["countedElsewhere"];
}

/** The web application firewall in front of the load balancer. */
export class Waf extends pulumi.ComponentResource {
  constructor(name: string, args: WafArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:edge:Waf", name, {}, opts);
    const blocked = new aws.wafv2.IpSet(
      `${name}-blocked`,
      { scope: "REGIONAL", ipAddressVersion: "IPV4", addresses: [...args.blockedIps] },
      { parent: this },
    );
    const acl = new aws.wafv2.WebAcl(
      `${name}-waf`,
      {
        scope: "REGIONAL",
        defaultAction: { allow: {} },
        rules: guardRules({ ...args, blockedArn: blocked.arn }),
        visibilityConfig: visibility("chirp"),
      },
      { parent: this },
    );
    // Never to be renamed: the late delete of an old association would remove the new one (pulumi-aws#4782).
    new aws.wafv2.WebAclAssociation(
      `${name}-waf-association`,
      { resourceArn: args.balancerArn, webAclArn: acl.arn },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
