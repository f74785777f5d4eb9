import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** Arguments of `Waf`. */
export interface WafArgs {
  readonly balancerArn: pulumi.Input<string>;
  /** IPv4 ranges that are turned away. */
  readonly blockedIps: readonly string[];
  /** Requests in five minutes after which one address is turned away. */
  readonly rateLimit: number;
}

type Rule = aws.types.input.wafv2.WebAclRule;

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
        rules: [
          blockRule("blocked-addresses", 0, { ipSetReferenceStatement: { arn: blocked.arn } }),
          blockRule("rate", 1, {
            rateBasedStatement: { limit: args.rateLimit, evaluationWindowSec: 300, aggregateKeyType: "IP" },
          }),
          ...managedRules.map(({ name, counted }, index) => managedRule(name, 10 + index, counted)),
        ],
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

/**
 * AWS's own rule groups, without the one for anonymous addresses: it would turn away the gate, which calls from Lambda.
 * Rules that read a body only count: people post code, and it looks like an attack.
 */
const managedRules = [
  { name: "AWSManagedRulesAmazonIpReputationList", counted: [] },
  {
    name: "AWSManagedRulesCommonRuleSet",
    counted: [
      "SizeRestrictions_BODY",
      "EC2MetaDataSSRF_BODY",
      "GenericLFI_BODY",
      "GenericRFI_BODY",
      "CrossSiteScripting_BODY",
    ],
  },
  {
    name: "AWSManagedRulesKnownBadInputsRuleSet",
    counted: ["JavaDeserializationRCE_BODY", "Log4JRCE_BODY"],
  },
  { name: "AWSManagedRulesSQLiRuleSet", counted: ["SQLi_BODY", "SQLiExtendedPatterns_BODY"] },
] as const;

function blockRule(name: string, priority: number, statement: Rule["statement"]): Rule {
  return { name, priority, action: { block: {} }, statement, visibilityConfig: visibility(name) };
}

function managedRule(name: string, priority: number, counted: readonly string[]): Rule {
  return {
    name,
    priority,
    overrideAction: { none: {} },
    statement: {
      managedRuleGroupStatement: {
        vendorName: "AWS",
        name,
        ruleActionOverrides: counted.map((rule) => ({ name: rule, actionToUse: { count: {} } })),
      },
    },
    visibilityConfig: visibility(name),
  };
}

function visibility(metricName: string) {
  return { metricName, cloudwatchMetricsEnabled: true, sampledRequestsEnabled: true };
}
