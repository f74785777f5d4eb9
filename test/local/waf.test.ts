import assert from "node:assert/strict";
import { temporaryFolder } from "../support/folder.ts";
import { http, TestAws } from "../support/local-aws.ts";
import { TestNetwork } from "../support/local-network.ts";

const visibilityConfig = { metricName: "m", cloudwatchMetricsEnabled: true, sampledRequestsEnabled: true };
const webAcl = "aws:wafv2/webAcl:WebAcl";
const association = "aws:wafv2/webAclAssociation:WebAclAssociation";

describe("WAF", () => {
  const folder = temporaryFolder();
  let test: TestAws;
  let network: TestNetwork;
  const rules = (setArn: unknown, limit: number) => [
    {
      name: "rate",
      priority: 1,
      action: { block: {} },
      statement: { rateBasedStatement: { limit, aggregateKeyType: "IP" } },
    },
    { name: "blocked", priority: 0, action: { block: {} }, statement: { ipSetReferenceStatement: { arn: setArn } } },
    {
      name: "managed",
      priority: 2,
      overrideAction: { none: {} },
      statement: { managedRuleGroupStatement: { vendorName: "AWS", name: "AWSManagedRulesCommonRuleSet" } },
    },
  ];
  before(async () => {
    test = await TestAws.start(folder);
    network = await TestNetwork.make(test, "web");
    await network.healthyServer("server");
  });
  after(() => test.stop());

  const status = async (from: string) => (await http(network.port, "/", { from })).status;

  it("turns away blocked ranges, and addresses that ask too often", async () => {
    const set = await test.create("aws:wafv2/ipSet:IpSet", "blocked", {
      scope: "REGIONAL",
      ipAddressVersion: "IPV4",
      addresses: ["127.0.9.0/24"],
    });
    const acl = await test.create(webAcl, "waf", {
      scope: "REGIONAL",
      defaultAction: { allow: {} },
      rules: rules(set.outputs.arn, 10),
      visibilityConfig,
    });
    assert.equal(await status("127.0.9.1"), 200, "not before the association");
    await test.create(association, "waf", { resourceArn: network.balancer.id, webAclArn: acl.outputs.arn });
    assert.equal(await status("127.0.9.1"), 403);
    const many = await Promise.all(Array.from({ length: 15 }, () => status("127.0.0.20")));
    assert.equal(many.filter((each) => each === 200).length, 10);
    assert.equal(many.filter((each) => each === 403).length, 5);
    assert.equal(await status("127.0.0.21"), 200, "another address has its own count");
  });

  it("loses the newer association with the older one, as on AWS", async () => {
    const inputs = { scope: "REGIONAL", defaultAction: { block: {} }, visibilityConfig };
    const strict = await test.create(webAcl, "strict", inputs);
    const [older] = test.aws.registry.ofType(association);
    const renamed = { resourceArn: network.balancer.id, webAclArn: strict.outputs.arn };
    await test.create(association, "renamed", renamed);
    await test.delete(association, "waf", { id: older?.id ?? "", inputs: {}, outputs: {} });
    assert.deepEqual(test.aws.registry.ofType(association), []);
    assert.ok(test.warnings.some((warning) => /has lost its web ACL/.test(warning)));
    assert.equal(await status("127.0.9.1"), 200);
  });

  it("names statements that are not evaluated here", () => {
    const statement = { geoMatchStatement: { countryCodes: ["NL"] } };
    const inputs = {
      scope: "REGIONAL",
      defaultAction: { allow: {} },
      visibilityConfig,
      rules: [{ name: "geo", priority: 0, action: { block: {} }, statement, visibilityConfig }],
    };
    assert.throws(
      () => test.check(webAcl, "geo", inputs),
      /rule geo: the local AWS does not evaluate a geoMatchStatement/,
    );
  });

  it("does not count what carries a header that a rule leaves out", async () => {
    const counted = await TestNetwork.make(test, "counted");
    await counted.healthyServer("server");
    const carries = {
      byteMatchStatement: {
        fieldToMatch: { singleHeader: { name: "x-proof" } },
        positionalConstraint: "EXACTLY",
        searchString: "secret",
        textTransformations: [{ priority: 0, type: "NONE" }],
      },
    };
    const scopeDownStatement = { notStatement: { statement: carries } };
    const statement = { rateBasedStatement: { limit: 10, aggregateKeyType: "IP", scopeDownStatement } };
    const acl = await test.create(webAcl, "counted", {
      scope: "REGIONAL",
      defaultAction: { allow: {} },
      rules: [{ name: "rate", priority: 0, action: { block: {} }, statement }],
      visibilityConfig,
    });
    await test.create(association, "counted", { resourceArn: counted.balancer.id, webAclArn: acl.outputs.arn });
    const ask = async (proof: string) =>
      (await http(counted.port, "/", { from: "127.0.0.30", headers: { "X-Proof": proof } })).status;
    for (let count = 0; count < 15; count++) assert.equal(await ask("secret"), 200);
    for (let count = 0; count < 10; count++) assert.equal(await ask("guess"), 200);
    assert.equal(await ask("guess"), 403);
    assert.equal(await ask("secret"), 200);
  });
});
