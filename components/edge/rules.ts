import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

type Rule = aws.types.input.wafv2.WebAclRule;
type ScopeDown = aws.types.input.wafv2.WebAclRuleStatementRateBasedStatementScopeDownStatement;

/** Arguments of `guardRules`. */
export interface GuardArgs {
  /** ARN of the set of addresses that are turned away. */
  readonly blockedArn: pulumi.Input<string>;
  /** Requests in five minutes after which one address is turned away. */
  readonly rateLimit: number;
  /**
   * Header and value of requests that the rate rule doesn't count: those of another guard in front of this one, which
   * has counted them by their own address. Here they would all be from one.
   */
  readonly countedElsewhere?: { readonly header: string; readonly value: pulumi.Input<string> } | undefined;
}

/** The rules of a web ACL in front of the service, in the order in which they are tried. */
export function guardRules({ blockedArn, rateLimit, countedElsewhere }: GuardArgs): Rule[] {
  return [
    blockRule("blocked-addresses", 0, { ipSetReferenceStatement: { arn: blockedArn } }),
    blockRule("rate", 1, {
      rateBasedStatement: {
        limit: rateLimit,
        evaluationWindowSec: 300,
        aggregateKeyType: "IP",
        ...(countedElsewhere === undefined ? {} : { scopeDownStatement: without(countedElsewhere) }),
      },
    }),
    ...managedRules.map(({ name, counted }, index) => managedRule(name, 10 + index, counted)),
  ];
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
    counted: ["JavaDeserializationRCE_BODY", "Log4JRCE_BODY", "ReactJSRCE_BODY"],
  },
  { name: "AWSManagedRulesSQLiRuleSet", counted: ["SQLi_BODY", "SQLiExtendedPatterns_BODY"] },
] as const;

/** Every request that does not carry the header with exactly this value. */
function without({ header, value }: NonNullable<GuardArgs["countedElsewhere"]>): ScopeDown {
  const carries = {
    byteMatchStatement: {
      fieldToMatch: { singleHeader: { name: header } },
      positionalConstraint: "EXACTLY",
      searchString: value,
      textTransformations: [{ priority: 0, type: "NONE" }],
    },
  };
  return { notStatement: { statement: carries } };
}

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

/** What CloudWatch and the console show of a rule or an ACL. */
export function visibility(metricName: string) {
  return { metricName, cloudwatchMetricsEnabled: true, sampledRequestsEnabled: true };
}
