import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { Group } from "../../components/compute/group.ts";
import { Identity } from "../../components/compute/identity.ts";
import { Server } from "../../components/compute/server.ts";
import { permissionsOf } from "../support/policies.ts";
import { runProgram } from "../support/program.ts";

const identity = (tableArn?: string) =>
  new Identity("chirp", {
    logGroupName: "/chirp/dev/servers",
    releaseArn: "arn:release",
    bucketArn: "arn:bucket",
    adminSecretArn: "arn:admin",
    appSecretArn: "arn:app",
    tableArn,
  });
const machine = (targetGroupArn?: string) => ({
  ami: "ami-0123456789abcdef0",
  instanceType: "t4g.small",
  diskSize: 10,
  securityGroupId: "sg-servers",
  identity: identity(),
  targetGroupArn,
  after: [],
});
const imds = { httpTokens: "required", httpPutResponseHopLimit: 1, httpEndpoint: "enabled" };

describe("a server's identity", () => {
  it("may do these few things, give a shell through Session Manager, and nothing else", async () => {
    const run = await runProgram(() => void identity());
    const { inputs } = run.one("aws:iam/rolePolicy:RolePolicy", "chirp-servers-policy");
    assert.equal(run.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment").length, 0);
    assert.deepEqual(
      JSON.parse(inputs.policy as string).Statement.map((statement: Record<string, unknown>) => [
        statement.Effect,
        statement.Action,
        statement.Resource,
      ]),
      [
        ["Allow", ["ssm:GetParameter"], ["arn:release"]],
        ["Allow", ["s3:GetObject"], ["arn:bucket/*"]],
        ["Allow", ["secretsmanager:GetSecretValue"], ["arn:admin", "arn:app"]],
        ["Allow", ["secretsmanager:PutSecretValue"], ["arn:app"]],
        [
          "Allow",
          ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
          ["arn:chirp-servers-log:*"],
        ],
        [
          "Allow",
          [
            "ssm:UpdateInstanceInformation",
            "ssmmessages:CreateControlChannel",
            "ssmmessages:CreateDataChannel",
            "ssmmessages:OpenControlChannel",
            "ssmmessages:OpenDataChannel",
          ],
          ["*"],
        ],
      ],
    );
  });
});

describe("a server that knows the table", () => {
  it("may do to that table what the store does, by a policy that goes last", async () => {
    const run = await runProgram(() => void identity("arn:table"));
    assert.deepEqual(permissionsOf(run, "chirp-servers-table-policy"), {
      "dynamodb:BatchGetItem": ["arn:table"],
      "dynamodb:BatchWriteItem": ["arn:table"],
      "dynamodb:ConditionCheckItem": ["arn:table"],
      "dynamodb:DeleteItem": ["arn:table"],
      "dynamodb:GetItem": ["arn:table"],
      "dynamodb:PutItem": ["arn:table"],
      "dynamodb:Query": ["arn:table"],
      "dynamodb:UpdateItem": ["arn:table"],
    });
    const without = await runProgram(() => void identity());
    assert.ok(!without.has("aws:iam/rolePolicy:RolePolicy", "chirp-servers-table-policy"));
  });
});

describe("the single server", () => {
  const server = (targetGroupArn?: string) =>
    runProgram(() => {
      const made = new Server("chirp", {
        ...machine(targetGroupArn),
        subnetId: "public-1",
        bootstrap: "#!/bin/bash\n",
      });
      return { address: made.door.address };
    });

  it("has an encrypted disk, IMDSv2 only, no key, and its own profile", async () => {
    const { inputs } = (await server()).one("aws:ec2/instance:Instance", "chirp-server");
    assert.deepEqual(inputs.metadataOptions, imds);
    assert.deepEqual(inputs.rootBlockDevice, { volumeType: "gp3", volumeSize: 10, encrypted: true });
    assert.equal(inputs.keyName, undefined);
    assert.equal(inputs.iamInstanceProfile, "chirp-servers-profile-1a2b3c4");
    assert.equal(inputs.subnetId, "public-1");
    assert.equal(inputs.userDataReplaceOnChange, undefined);
  });

  it("is the same with and without a load balancer: only the attachment comes", async () => {
    const [alone, behind] = [await server(), await server("arn:targets")];
    const attachment = "aws:lb/targetGroupAttachment:TargetGroupAttachment";
    assert.deepEqual(
      alone.all.map(({ urn, inputs }) => [urn, inputs]),
      behind.all.filter(({ type }) => type !== attachment).map(({ urn, inputs }) => [urn, inputs]),
    );
    assert.deepEqual(behind.one(attachment, "chirp-server-attachment").inputs, {
      targetGroupArn: "arn:targets",
      targetId: "chirp-server-id",
      port: 80,
    });
  });

  it("doesn't follow a new image, which would replace it", async () => {
    const { ignoreChanges } = (await server()).one("aws:ec2/instance:Instance", "chirp-server");
    assert.deepEqual(ignoreChanges, ["ami"]);
  });

  it("starts when it may read its release, and is a door once its address leads to it", async () => {
    const run = await server();
    const { dependencies } = run.one("aws:ec2/instance:Instance", "chirp-server");
    assert.ok(dependencies.includes(run.one("aws:iam/rolePolicy:RolePolicy", "chirp-servers-policy").urn));
    assert.equal(run.outputs.address, "198.51.100.7");
    assert.ok(run.has("aws:ec2/eipAssociation:EipAssociation", "chirp-address-association"));
  });
});

describe("the group", () => {
  const group = () =>
    runProgram(() => {
      const args = { ...machine("arn:targets"), subnetIds: ["app-1", "app-2"], minServers: 2, maxServers: 6 };
      const { serving } = new Group("chirp", { ...args, bootstrap: pulumi.output("#!/bin/bash\nRELEASE=/r:3\n") });
      assert.equal(serving.kind, "group");
      return { serving };
    });

  it("replaces servers a few at a time, never below its strength, and goes back when that fails", async () => {
    const { inputs } = (await group()).one("aws:autoscaling/group:Group", "chirp-group");
    assert.deepEqual(inputs.instanceRefresh, {
      strategy: "Rolling",
      preferences: { minHealthyPercentage: 100, maxHealthyPercentage: 200, autoRollback: true, skipMatching: true },
    });
    assert.equal(inputs.healthCheckType, "ELB");
    assert.deepEqual(inputs.targetGroupArns, ["arn:targets"]);
    assert.deepEqual(inputs.vpcZoneIdentifiers, ["app-1", "app-2"]);
  });

  it("names the template's version by number, or no refresh would ever start", async () => {
    const run = await group();
    const { inputs } = run.one("aws:autoscaling/group:Group", "chirp-group");
    assert.deepEqual(inputs.launchTemplate, { id: "chirp-template-id", version: "7" });
    assert.deepEqual(run.outputs.serving, {
      kind: "group",
      name: "chirp-group-1a2b3c4",
      templateVersion: "7",
      least: 2,
    });
  });

  it("leaves the number of servers to scaling", async () => {
    const run = await group();
    const { inputs, ignoreChanges } = run.one("aws:autoscaling/group:Group", "chirp-group");
    assert.deepEqual(ignoreChanges, ["desiredCapacity"]);
    assert.deepEqual([inputs.minSize, inputs.maxSize, inputs.desiredCapacity], [2, 6, undefined]);
    const policy = run.one("aws:autoscaling/policy:Policy", "chirp-group-tracking");
    assert.equal(policy.inputs.policyType, "TargetTrackingScaling");
  });

  it("leaves waiting to the gate: the provider's own wait wants an exact number on every update", async () => {
    const { inputs } = (await group()).one("aws:autoscaling/group:Group", "chirp-group");
    assert.equal(inputs.waitForCapacityTimeout, "0");
    assert.equal(inputs.waitForElbCapacity, undefined);
  });

  it("starts servers with encrypted disks, IMDSv2 only and the bootstrap in base 64", async () => {
    const { inputs } = (await group()).one("aws:ec2/launchTemplate:LaunchTemplate", "chirp-template");
    assert.deepEqual(inputs.metadataOptions, imds);
    const [device] = inputs.blockDeviceMappings as { ebs: { encrypted: string } }[];
    assert.equal(device?.ebs.encrypted, "true");
    assert.equal(Buffer.from(inputs.userData as string, "base64").toString(), "#!/bin/bash\nRELEASE=/r:3\n");
    assert.equal(inputs.name, undefined);
  });
});
