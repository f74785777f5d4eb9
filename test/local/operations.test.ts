import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { replaceOnChange, resourceTypes } from "../../local/aws/types/index.ts";
import { findDifference } from "../../local/provider/difference.ts";
import { unknown } from "../../local/provider/values.ts";
import { temporaryFolder } from "../support/folder.ts";
import { TestAws } from "../support/local-aws.ts";

const role = "aws:iam/role:Role";
const parameter = "aws:ssm/parameter:Parameter";
const securityGroup = "aws:ec2/securityGroup:SecurityGroup";
const targetGroup = "aws:lb/targetGroup:TargetGroup";
const assumeRolePolicy = JSON.stringify({ Version: "2012-10-17", Statement: [] });

describe("provider operations", () => {
  const folder = temporaryFolder();
  let test: TestAws;
  before(async () => {
    test = await TestAws.start(folder);
  });
  after(() => test.stop());

  const difference = (type: string, before: object, after: object) =>
    findDifference(type, resourceTypes[type] ?? assert.fail(type), { ...before }, { ...after });

  it("has AWS's replacement facts for every type that it serves", () => {
    const table = JSON.parse(readFileSync("local/aws/replace-on-change.json", "utf8")) as object;
    assert.deepEqual(
      Object.keys(resourceTypes).filter((type) => !(type in table)),
      [],
    );
  });

  it("serves every type that the program's components make", () => {
    const files = readdirSync("components", { recursive: true, encoding: "utf8" }).filter((file) =>
      file.endsWith(".ts"),
    );
    const made = files.flatMap((file) => [
      ...readFileSync(join("components", file), "utf8").matchAll(/new aws\.(\w+)\.(\w+)\(/g),
    ]);
    const tokens = made.map(
      ([, module, name = ""]) => `aws:${module}/${name[0]?.toLowerCase()}${name.slice(1)}:${name}`,
    );
    assert.ok(tokens.includes("aws:dynamodb/table:Table"));
    assert.deepEqual(
      [...new Set(tokens)].filter((token) => !(token in resourceTypes)),
      [],
    );
  });

  it("names what it does not know, and how to add it", async () => {
    const failure = /does not know the resource type aws:msk\/cluster:Cluster.*local\/aws\/types/;
    assert.throws(() => test.check("aws:msk/cluster:Cluster", "jobs", {}), failure);
  });

  it("lists everything that is wrong with inputs at once", () => {
    const rule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
    assert.throws(
      () => test.check(rule, "rule", { securityGroupId: "sg-1", cidrIpv4: "0.0.0.0/0", prefixListId: "pl-1" }),
      /ipProtocol.*exactly one of cidrIpv4/s,
    );
    const broken = { assumeRolePolicy: JSON.stringify({ Version: "2012-10-17" }) };
    assert.throws(() => test.check(role, "broken", broken), /MalformedPolicyDocument: it has no Statement/);
    assert.throws(() => test.check(role, "broken", { assumeRolePolicy: "undefined" }), /it is not JSON/);
    assert.doesNotThrow(() => test.check(role, "later", { assumeRolePolicy: unknown }));
  });

  it("refuses inputs that nothing here could honour", () => {
    const group = { minSize: 1, maxSize: 1, warmPool: { minSize: 1 } };
    assert.throws(
      () => test.check("aws:autoscaling/group:Group", "warm", group),
      /^Error: warmPool: the local AWS has/,
    );
  });

  it("makes up names that stay, fit, and differ for a replacement", async () => {
    const long = "a-target-group-with-a-long-logical-name";
    const inputs = { port: 80, protocol: "HTTP", vpcId: "vpc-1" };
    const first = await test.create(targetGroup, long, inputs);
    const name = String(first.outputs.name);
    assert.match(name, /^a-target-group-with-a-lon.*[0-9a-f]{7}$/);
    assert.equal(name.length, 32);
    assert.equal(test.check(targetGroup, long, inputs, first.inputs).name, name);
    const second = await test.create(targetGroup, long, { ...inputs, port: 81 });
    assert.notEqual(second.outputs.name, name);
    assert.notEqual(second.id, first.id);
    assert.throws(() => test.check(targetGroup, "x", { name: "n".repeat(33) }), /more than 32 characters/);
  });

  it("gives the same ids to the same resources, whatever the folder", async () => {
    const elsewhere = await TestAws.start(join(folder, "elsewhere"));
    try {
      const here = await test.create(securityGroup, "same", { vpcId: "vpc-1" });
      const there = await elsewhere.create(securityGroup, "same", { vpcId: "vpc-1" });
      assert.match(here.id, /^sg-0[0-9a-f]{16}$/);
      assert.equal(there.id, here.id);
    } finally {
      await elsewhere.stop();
    }
  });

  it("replaces for the inputs of AWS's table only", () => {
    const before = { name: "n", description: "old", vpcId: "vpc-1", tags: { a: "1" }, __defaults: ["name"] };
    const changed = difference(securityGroup, before, { ...before, description: "new", tags: { a: "2" } });
    assert.deepEqual(changed.replaces, ["description"]);
    assert.deepEqual(Object.fromEntries(changed.changes), { description: "update", tags: "update" });
    assert.equal(changed.deleteBeforeReplace, false, "a made-up name does not collide");
    const tagged = difference(securityGroup, before, { ...before, tags: undefined, revokeRulesOnDelete: true });
    assert.deepEqual(tagged.replaces, []);
    assert.deepEqual(Object.fromEntries(tagged.changes), { tags: "delete", revokeRulesOnDelete: "add" });
    assert.ok(replaceOnChange("aws:rds/instance:Instance").includes("dbName"));
  });

  it("deletes first where the program's own name would collide", () => {
    const given = { name: "fixed", port: 80, __defaults: [] };
    assert.equal(difference(targetGroup, given, { ...given, port: 81 }).deleteBeforeReplace, true);
    assert.equal(difference(targetGroup, given, { ...given, name: "other" }).deleteBeforeReplace, false);
  });

  it("replaces an instance for its user data only when told to", () => {
    const instance = "aws:ec2/instance:Instance";
    const before = { userData: "a" };
    assert.deepEqual(difference(instance, before, { userData: "b" }).replaces, []);
    const told = { userData: "b", userDataReplaceOnChange: true };
    assert.deepEqual(difference(instance, before, told).replaces, ["userData"]);
  });

  it("compares assets by their content", () => {
    const asset = (text: string, path = "/a") => ({
      "4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17",
      hash: text,
      path,
    });
    const type = "aws:s3/bucketObjectv2:BucketObjectv2";
    assert.equal(difference(type, { source: asset("x") }, { source: asset("x", "/b") }).changes.size, 0);
    assert.equal(difference(type, { source: asset("x") }, { source: asset("y") }).changes.size, 1);
  });

  it("fails as AWS does when a name, a rule or a listener is there already", async () => {
    const value = { name: "/taken", type: "String", value: "1" };
    await test.create(parameter, "first", value);
    await assert.rejects(
      test.create(parameter, "second", value),
      /ParameterAlreadyExists.*"\/taken" is taken by .*first/,
    );
    const rule = { securityGroupId: "sg-1", ipProtocol: "tcp", fromPort: 80, toPort: 80, cidrIpv4: "0.0.0.0/0" };
    const ingress = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
    await test.create(ingress, "rule", rule);
    await assert.rejects(test.create(ingress, "again", rule), /InvalidPermission.Duplicate: .*::rule has the same/);
    const listener = { loadBalancerArn: "arn:lb", port: 80, protocol: "TCP", defaultActions: [{ type: "forward" }] };
    await test.create("aws:lb/listener:Listener", "http", listener);
    await assert.rejects(test.create("aws:lb/listener:Listener", "web", listener), /DuplicateListener/);
  });

  it("refuses to delete what others refer to, but not for what ends with it", async () => {
    const inner = await test.create(securityGroup, "inner", { vpcId: "vpc-1" });
    const outer = await test.create(securityGroup, "outer", { vpcId: "vpc-1" });
    const ports = { ipProtocol: "tcp", fromPort: 80, toPort: 80 };
    const type = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
    const between = { ...ports, securityGroupId: inner.id, referencedSecurityGroupId: outer.id };
    const rule = await test.create(type, "between", between);
    await assert.rejects(test.delete(securityGroup, "outer", outer), /DependencyViolation.*between/);
    await test.delete(securityGroup, "inner", inner);
    await test.delete(type, "between", rule);
    await test.delete(securityGroup, "outer", outer);
    assert.equal(test.operations.read(securityGroup, outer.id, test.urn(securityGroup, "outer")), undefined);
  });

  it("adopts a resource whose creation the engine never heard the end of", async () => {
    const urn = test.urn(parameter, "interrupted");
    const inputs = test.check(parameter, "interrupted", { name: "/interrupted", type: "String", value: "1" });
    const lost = await test.operations.create(urn, inputs);
    const again = await test.operations.create(urn, { ...inputs, value: "2" });
    assert.equal(again.id, lost.id);
    assert.equal(again.outputs.version, 2);
    test.operations.noted(parameter, again.id, urn);
    await assert.rejects(test.operations.create(urn, inputs), /ParameterAlreadyExists/, "now the engine knows it");
  });

  it("makes a resource anew when what was left behind cannot become it", async () => {
    const urn = test.urn(securityGroup, "left");
    const made = (description: string) =>
      test.operations.create(urn, test.check(securityGroup, "left", { vpcId: "vpc-1", description }));
    const lost = await made("old");
    const next = await made("new");
    assert.notEqual(next.id, lost.id);
    assert.equal(test.aws.registry.ofUrn(urn).length, 1);
  });

  it("knows in a preview what an update leaves as it is, and only that", async () => {
    const inputs = { name: "/previewed", type: "String", value: "1", tags: { a: "1" } };
    const made = await test.create(parameter, "previewed", inputs);
    const preview = (news: object) =>
      test.operations.previewUpdate(parameter, made.id, test.urn(parameter, "previewed"), made.outputs, { ...news });
    assert.equal(preview({ ...inputs, tags: { a: "2" } }).version, 1);
    assert.equal(preview({ ...inputs, value: "2" }).version, unknown);
    assert.equal(preview({ ...inputs, value: "2" }).arn, made.outputs.arn);
  });

  it("finds a resource by its id when an alias has given it another URN", async () => {
    const made = await test.create(role, "before", { assumeRolePolicy });
    const renamed = test.urn(role, "after");
    const inputs = { ...made.inputs, description: "renamed" };
    const outcome = await test.operations.update(role, made.id, renamed, inputs);
    assert.equal(outcome.outputs.arn, made.outputs.arn);
  });

  it("keeps everything for the next start, one whole file for each resource", async () => {
    const dir = join(folder, "kept");
    const first = await TestAws.start(dir);
    const made = await first.create(role, "kept", { assumeRolePolicy });
    await first.stop();
    assert.deepEqual(
      readdirSync(join(dir, "resources")).filter((file) => !/^(kept-[0-9a-f]{12}-0|generations)\.json$/.test(file)),
      [],
    );
    const second = await TestAws.start(dir);
    try {
      assert.deepEqual(second.operations.read(role, made.id, test.urn(role, "kept"))?.outputs, made.outputs);
      await second.delete(role, "kept", made);
      const next = await second.create(role, "kept", { assumeRolePolicy });
      assert.notEqual(next.outputs.name, made.outputs.name, "a name is not made up twice");
    } finally {
      await second.stop();
    }
  });

  it("says that a resource is gone instead of updating nothing", async () => {
    const urn = test.urn(role, "gone");
    await assert.rejects(test.operations.update(role, "gone", urn, {}), /does not exist any more; `pulumi refresh`/);
    await test.operations.delete(role, "gone", urn);
  });
});
