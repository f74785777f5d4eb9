import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { guardRules, visibility } from "../edge/rules.ts";
import { frontRegion } from "./certificate.ts";

/** Arguments of `FrontWaf`. */
export interface FrontWafArgs {
  /** IPv4 ranges that are turned away. */
  readonly blockedIps: readonly string[];
  /** Requests in five minutes after which one address is turned away. */
  readonly rateLimit: number;
}

/** The web application firewall of CloudFront, where clients' own addresses are seen. */
export class FrontWaf extends pulumi.ComponentResource {
  /** For the distribution's `webAclId`, which takes an ARN. */
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: FrontWafArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:media:FrontWaf", name, {}, opts);
    const place = { scope: "CLOUDFRONT", region: frontRegion };
    const blocked = new aws.wafv2.IpSet(
      `${name}-front-blocked`,
      { ...place, ipAddressVersion: "IPV4", addresses: [...args.blockedIps] },
      { parent: this },
    );
    const acl = new aws.wafv2.WebAcl(
      `${name}-front-waf`,
      {
        ...place,
        defaultAction: { allow: {} },
        rules: guardRules({ blockedArn: blocked.arn, rateLimit: args.rateLimit }),
        visibilityConfig: visibility("chirp-front"),
      },
      { parent: this },
    );
    this.arn = acl.arn;
    this.registerOutputs({ arn: this.arn });
  }
}
