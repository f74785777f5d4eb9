import assert from "node:assert/strict";
import {
  AutoScalingClient,
  DescribeAutoScalingGroupsCommand,
  DescribeInstanceRefreshesCommand,
} from "@aws-sdk/client-auto-scaling";
import {
  DeregisterTargetsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  RegisterTargetsCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { ListResourceRecordSetsCommand, Route53Client } from "@aws-sdk/client-route-53";
import { GetObjectCommand, HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import {
  DescribeSecretCommand,
  GetRandomPasswordCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { temporaryFolder } from "../support/folder.ts";
import { TestAws } from "../support/local-aws.ts";

const parameter = "aws:ssm/parameter:Parameter";

describe("endpoint, asked by AWS's own SDK", () => {
  const folder = temporaryFolder();
  let test: TestAws;
  let settings: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  before(async () => {
    test = await TestAws.start(folder);
    const credentials = { accessKeyId: "local", secretAccessKey: "local" };
    settings = { endpoint: test.aws.endpoint, region: "us-east-1", credentials };
  });
  after(() => test.stop());

  it("gives SSM parameters, the newest version or the one that is named", async () => {
    const ssm = new SSMClient(settings);
    const name = "/chirp/test/release";
    const made = await test.create(parameter, "release", { name, type: "String", value: "one" });
    await test.update(parameter, "release", made, { name, type: "String", value: "two" });
    const get = async (Name: string) => (await ssm.send(new GetParameterCommand({ Name }))).Parameter;
    assert.deepEqual([(await get(name))?.Value, (await get(name))?.Version], ["two", 2]);
    assert.deepEqual([(await get(`${name}:1`))?.Value, (await get(`${name}:1`))?.Selector], ["one", ":1"]);
    assert.equal((await get(String(made.outputs.arn)))?.Value, "two");
    assert.ok((await get(name))?.LastModifiedDate instanceof Date);
    await assert.rejects(get("/none"), { name: "ParameterNotFound" });
    await assert.rejects(get(`${name}:7`), { name: "ParameterVersionNotFound" });
  });

  it("keeps secrets with their versions and stages", async () => {
    const secrets = new SecretsManagerClient(settings);
    const { id: SecretId } = await test.create("aws:secretsmanager/secret:Secret", "app-user");
    const get = (VersionStage?: string) => secrets.send(new GetSecretValueCommand({ SecretId, VersionStage }));
    await assert.rejects(get(), { name: "ResourceNotFoundException" }, "a secret without a value");
    await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: "one" }));
    await secrets.send(new PutSecretValueCommand({ SecretId, SecretString: "two" }));
    assert.equal((await get()).SecretString, "two");
    assert.equal((await get("AWSPREVIOUS")).SecretString, "one");
    const described = await secrets.send(new DescribeSecretCommand({ SecretId }));
    const stages = Object.values(described.VersionIdsToStages ?? {});
    assert.deepEqual(stages.sort(), [["AWSCURRENT"], ["AWSPREVIOUS"]]);
    const byName = await secrets.send(new GetSecretValueCommand({ SecretId: described.Name }));
    assert.equal(byName.ARN, SecretId);
  });

  it("takes a repeated PutSecretValue once", async () => {
    const secrets = new SecretsManagerClient(settings);
    const { id: SecretId } = await test.create("aws:secretsmanager/secret:Secret", "repeated");
    const put = { SecretId, SecretString: "same", ClientRequestToken: "0123456789abcdef0123456789abcdef" };
    const first = await secrets.send(new PutSecretValueCommand(put));
    const second = await secrets.send(new PutSecretValueCommand(put));
    assert.equal(second.VersionId, first.VersionId);
    const other = new PutSecretValueCommand({ ...put, SecretString: "other" });
    await assert.rejects(secrets.send(other), { name: "ResourceExistsException" });
  });

  it("makes random passwords of the kinds that are asked for", async () => {
    const secrets = new SecretsManagerClient(settings);
    const command = new GetRandomPasswordCommand({
      PasswordLength: 40,
      ExcludePunctuation: true,
      ExcludeCharacters: "0O",
    });
    const { RandomPassword = "" } = await secrets.send(command);
    assert.match(RandomPassword, /^[A-NP-Za-z1-9]{40}$/);
    for (const kind of [/[A-Z]/, /[a-z]/, /[1-9]/]) assert.match(RandomPassword, kind);
  });

  it("serves objects from a bucket, with their versions", async () => {
    const s3 = new S3Client(settings);
    const { id: Bucket } = await test.create("aws:s3/bucket:Bucket", "releases");
    const versioning = { bucket: Bucket, versioningConfiguration: { status: "Enabled" } };
    await test.create("aws:s3/bucketVersioning:BucketVersioning", "releases", versioning);
    const object = { bucket: Bucket, key: "server/a b.mjs", content: "export {};", contentType: "text/javascript" };
    const type = "aws:s3/bucketObjectv2:BucketObjectv2";
    const made = await test.create(type, "server", object);
    const changed = await test.update(type, "server", made, { ...object, content: "export default 1;" });
    assert.notEqual(changed.outputs.versionId, made.outputs.versionId);
    const get = async (VersionId?: unknown) => {
      const input = { Bucket, Key: object.key, VersionId: VersionId as string | undefined };
      return (await s3.send(new GetObjectCommand(input))).Body?.transformToString();
    };
    assert.equal(await get(), "export default 1;");
    assert.equal(await get(made.outputs.versionId), "export {};");
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: object.key }));
    assert.deepEqual([head.ContentType, head.ContentLength], ["text/javascript", 17]);
    await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: "none" })), { name: "NoSuchKey" });
    await assert.rejects(s3.send(new GetObjectCommand({ Bucket: "none", Key: "k" })), { name: "NoSuchBucket" });
    await assert.rejects(test.delete("aws:s3/bucket:Bucket", "releases", { ...made, id: Bucket }), /BucketNotEmpty/);
  });

  it("describes targets, takes them out and puts them back", async () => {
    const balancing = new ElasticLoadBalancingV2Client(settings);
    const group = { port: 80, protocol: "HTTP", vpcId: "vpc-1", deregistrationDelay: 0 };
    const { id: TargetGroupArn } = await test.create("aws:lb/targetGroup:TargetGroup", "targets", group);
    const type = "aws:lb/targetGroupAttachment:TargetGroupAttachment";
    await test.create(type, "one", { targetGroupArn: TargetGroupArn, targetId: "i-1", port: 80 });
    const describe = async (ids: string[] = []) => {
      const Targets = ids.length > 0 ? ids.map((Id) => ({ Id })) : undefined;
      const found = await balancing.send(new DescribeTargetHealthCommand({ TargetGroupArn, Targets }));
      return found.TargetHealthDescriptions?.map(({ Target, TargetHealth }) => [
        Target?.Id,
        TargetHealth?.State,
        TargetHealth?.Reason,
      ]);
    };
    assert.deepEqual(await describe(), [["i-1", "unused", "Target.NotInUse"]]);
    await balancing.send(new DeregisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: "i-1" }] }));
    assert.deepEqual(await describe(), []);
    assert.deepEqual(await describe(["i-1"]), [["i-1", "unused", "Target.NotRegistered"]]);
    await balancing.send(new RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: "i-1" }] }));
    assert.deepEqual(await describe(), [["i-1", "unused", "Target.NotInUse"]]);
    const unknown = new DescribeTargetHealthCommand({ TargetGroupArn: "arn:none" });
    await assert.rejects(balancing.send(unknown), /Target groups 'arn:none' not found/);
  });

  it("describes groups that there are, and says which there are not", async () => {
    const scaling = new AutoScalingClient(settings);
    const template = await test.create("aws:ec2/launchTemplate:LaunchTemplate", "template", { userData: "" });
    const group = {
      minSize: 0,
      maxSize: 2,
      launchTemplate: { id: template.id, version: "1" },
      vpcZoneIdentifiers: ["s"],
    };
    const { id: name } = await test.create("aws:autoscaling/group:Group", "group", group);
    const all = await scaling.send(new DescribeAutoScalingGroupsCommand({}));
    assert.deepEqual(
      all.AutoScalingGroups?.map(({ AutoScalingGroupName, DesiredCapacity, Instances }) => [
        AutoScalingGroupName,
        DesiredCapacity,
        Instances,
      ]),
      [[name, 0, []]],
    );
    const none = await scaling.send(new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: ["none"] }));
    assert.deepEqual(none.AutoScalingGroups, []);
    const refreshes = await scaling.send(new DescribeInstanceRefreshesCommand({ AutoScalingGroupName: name }));
    assert.deepEqual(refreshes.InstanceRefreshes, []);
    const unknown = new DescribeInstanceRefreshesCommand({ AutoScalingGroupName: "none" });
    await assert.rejects(scaling.send(unknown), { name: "ValidationError" });
  });

  it("lists the records of a zone from a name on", async () => {
    const dns = new Route53Client(settings);
    const type = "aws:route53/record:Record";
    const record = { zoneId: "Z0TEST", type: "A", ttl: 2 };
    await test.create(type, "b", { ...record, name: "b.localhost", records: ["203.0.113.7"] });
    const aliases = [{ name: "lb.elb.amazonaws.com", zoneId: "Z35", evaluateTargetHealth: false }];
    await test.create(type, "a", { zoneId: "Z0TEST", type: "A", name: "a.localhost", aliases });
    const list = async (StartRecordName?: string) => {
      const from = StartRecordName === undefined ? {} : { StartRecordName, StartRecordType: "A" as const };
      const found = await dns.send(new ListResourceRecordSetsCommand({ HostedZoneId: "Z0TEST", ...from }));
      return found.ResourceRecordSets?.map(({ Name, TTL, AliasTarget, ResourceRecords }) => [
        Name,
        TTL ?? AliasTarget?.DNSName,
        ...(ResourceRecords ?? []).map(({ Value }) => Value),
      ]);
    };
    const [a, b] = [
      ["a.localhost.", "lb.elb.amazonaws.com."],
      ["b.localhost.", 2, "203.0.113.7"],
    ];
    assert.deepEqual(await list(), [a, b]);
    assert.deepEqual(await list("b.localhost"), [b]);
    await assert.rejects(
      test.create(type, "twin", { ...record, name: "b.localhost", records: ["203.0.113.8"] }),
      /InvalidChangeBatch/,
    );
  });

  it("says which operations it does not serve", async () => {
    const headers = { "X-Amz-Target": "AmazonSSM.DeleteParameter" };
    const response = await fetch(test.aws.endpoint, { method: "POST", headers, body: "{}" });
    assert.equal(response.status, 400);
    assert.match(await response.text(), /UnknownOperationException.*does not serve AmazonSSM.DeleteParameter/);
  });
});
