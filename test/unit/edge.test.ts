import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { Edge, type EdgeArgs } from "../../components/edge/edge.ts";
import { type Run, runProgram } from "../support/program.ts";

const certificateArn = "arn:aws:acm:us-east-1:123456789012:certificate/1";
const balancerType = "aws:lb/loadBalancer:LoadBalancer";
const listenerType = "aws:lb/listener:Listener";

function edge(args: Partial<EdgeArgs> = {}): Promise<Run> {
  return runProgram(() => {
    const { door } = new Edge("chirp", {
      kind: "alb",
      vpcId: "vpc-1",
      subnetIds: pulumi.output(["public-1", "public-2"]),
      zones: ["us-east-1a", "us-east-1b"],
      securityGroupId: "sg-balancer",
      certificateArn: undefined,
      blockedIps: ["203.0.113.0/24"],
      rateLimit: 5000,
      connectionAge: 60,
      ...args,
    });
    return { ...door };
  });
}

describe("edge alb", () => {
  it("is a public load balancer in every zone, with its group, and can be an alias", async () => {
    const run = await edge();
    const { inputs } = run.one(balancerType, "chirp-balancer");
    assert.equal(inputs.loadBalancerType, "application");
    assert.equal(inputs.internal, false);
    assert.deepEqual(inputs.subnets, ["public-1", "public-2"]);
    assert.deepEqual(inputs.securityGroups, ["sg-balancer"]);
    assert.equal(inputs.idleTimeout, 60);
    assert.deepEqual(run.outputs, { address: "chirp-balancer.example", aliasZoneId: "ZLB" });
  });

  it("has no physical name that a replacement could collide with", async () => {
    const run = await edge();
    for (const type of [balancerType, "aws:lb/targetGroup:TargetGroup", "aws:wafv2/webAcl:WebAcl"])
      for (const { inputs } of run.of(type)) assert.equal(inputs.name, undefined);
  });

  it("judges servers by liveness alone", async () => {
    const { inputs } = (await edge()).one("aws:lb/targetGroup:TargetGroup", "chirp-targets");
    const check = inputs.healthCheck as Record<string, unknown>;
    assert.equal(check.path, "/health");
    assert.equal(check.interval, 5);
    assert.deepEqual([check.healthyThreshold, check.unhealthyThreshold], [2, 2]);
    assert.equal(inputs.deregistrationDelay, 30);
  });

  it("blocks addresses and floods before AWS's rule groups look", async () => {
    const run = await edge();
    assert.deepEqual(run.one("aws:wafv2/ipSet:IpSet", "chirp-blocked").inputs.addresses, ["203.0.113.0/24"]);
    const rules = run.one("aws:wafv2/webAcl:WebAcl", "chirp-waf").inputs.rules as {
      name: string;
      priority: number;
      action?: object;
      statement: { rateBasedStatement?: { limit: number }; ipSetReferenceStatement?: { arn: string } };
    }[];
    assert.deepEqual(
      rules.map(({ name, priority }) => `${priority} ${name}`),
      [
        "0 blocked-addresses",
        "1 rate",
        "10 AWSManagedRulesAmazonIpReputationList",
        "11 AWSManagedRulesCommonRuleSet",
        "12 AWSManagedRulesKnownBadInputsRuleSet",
        "13 AWSManagedRulesSQLiRuleSet",
      ],
    );
    assert.equal(rules[0]?.statement.ipSetReferenceStatement?.arn, "arn:chirp-blocked");
    assert.equal(rules[1]?.statement.rateBasedStatement?.limit, 5000);
    assert.deepEqual(rules[0]?.action, { block: {} });
  });

  it("only counts what looks bad in a body", async () => {
    const rules = (await edge()).one("aws:wafv2/webAcl:WebAcl", "chirp-waf").inputs.rules as {
      statement: { managedRuleGroupStatement?: { ruleActionOverrides: { name: string; actionToUse: object }[] } };
    }[];
    const overrides = rules.flatMap(({ statement }) => statement.managedRuleGroupStatement?.ruleActionOverrides ?? []);
    assert.ok(overrides.length >= 9);
    for (const { name, actionToUse } of overrides) {
      assert.match(name, /_BODY$/);
      assert.deepEqual(actionToUse, { count: {} });
    }
  });

  it("has one association, by the name that never changes", async () => {
    const { inputs } = (await edge()).one("aws:wafv2/webAclAssociation:WebAclAssociation", "chirp-waf-association");
    assert.deepEqual(inputs, { resourceArn: "arn:chirp-balancer", webAclArn: "arn:chirp-waf" });
  });

  it("forwards HTTP without a certificate, redirects it with one", async () => {
    const plain = await edge();
    assert.deepEqual(plain.one(listenerType, "chirp-http").inputs.defaultActions, [
      { type: "forward", targetGroupArn: "arn:chirp-targets" },
    ]);
    assert.equal(plain.of(listenerType).length, 1);
    const secure = await edge({ certificateArn });
    const [redirect] = secure.one(listenerType, "chirp-http").inputs.defaultActions as { type: string }[];
    assert.equal(redirect?.type, "redirect");
    const { inputs } = secure.one(listenerType, "chirp-https");
    assert.deepEqual([inputs.port, inputs.protocol, inputs.certificateArn], [443, "HTTPS", certificateArn]);
  });

  it("has no network ACL of its own", async () => {
    assert.equal((await edge()).of("aws:ec2/networkAcl:NetworkAcl").length, 0);
  });
});

describe("edge nlb", () => {
  const nlb = (args: Partial<EdgeArgs> = {}) => edge({ kind: "nlb", ...args });

  it("is made with its security group, as it can't be given one later", async () => {
    const { inputs } = (await nlb()).one(balancerType, "chirp-balancer");
    assert.equal(inputs.loadBalancerType, "network");
    assert.deepEqual(inputs.securityGroups, ["sg-balancer"]);
    assert.equal(inputs.idleTimeout, undefined);
  });

  it("passes TCP on with the client's own address and waits for connections to reach their age", async () => {
    const run = await nlb();
    const { inputs } = run.one("aws:lb/targetGroup:TargetGroup", "chirp-targets");
    assert.equal(inputs.protocol, "TCP");
    assert.equal(inputs.preserveClientIp, "true");
    assert.equal(inputs.deregistrationDelay, 70);
    assert.equal((inputs.healthCheck as { protocol: string }).protocol, "HTTP");
    assert.equal(run.one(listenerType, "chirp-http").inputs.protocol, "TCP");
  });

  it("blocks addresses in an ACL that is complete before subnets join it", async () => {
    const run = await nlb();
    const acl = run.one("aws:ec2/networkAcl:NetworkAcl", "chirp-public-acl");
    assert.equal(acl.inputs.subnetIds, undefined);
    const ingress = acl.inputs.ingress as { action: string; cidrBlock: string; ruleNo: number }[];
    assert.deepEqual(
      ingress.map(({ ruleNo, action, cidrBlock }) => `${ruleNo} ${action} ${cidrBlock}`),
      ["100 deny 203.0.113.0/24", "30000 allow 0.0.0.0/0"],
    );
    const joined = run.of("aws:ec2/networkAclAssociation:NetworkAclAssociation");
    assert.deepEqual(
      joined.map(({ name, inputs }) => `${name} ${inputs.subnetId}`),
      ["chirp-public-acl-us-east-1a public-1", "chirp-public-acl-us-east-1b public-2"],
    );
    for (const { dependencies } of joined) assert.ok(dependencies.includes(acl.urn));
  });

  it("terminates TLS with a certificate and still answers HTTP", async () => {
    const run = await nlb({ certificateArn });
    assert.equal(run.one(listenerType, "chirp-https").inputs.protocol, "TLS");
    const [action] = run.one(listenerType, "chirp-http").inputs.defaultActions as { type: string }[];
    assert.equal(action?.type, "forward");
  });

  it("has no WAF, which can't guard it", async () => {
    const run = await nlb();
    assert.equal(run.of("aws:wafv2/webAcl:WebAcl").length, 0);
  });
});
