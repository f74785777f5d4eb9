import * as aws from "@pulumi/aws";
import * as awsx from "@pulumi/awsx";
import * as pulumi from "@pulumi/pulumi";

// Moved from step to step by its configuration, as the real program is.
const config = new pulumi.Config();
const has = (step: string) => (config.get("steps") ?? "").split(" ").includes(step);

const vpc = new awsx.ec2.Vpc("net", {
  cidrBlock: "10.0.0.0/16",
  availabilityZoneNames: ["us-east-1a", "us-east-1b"],
  subnetStrategy: "Auto",
  availabilityZoneCidrMask: 18,
  subnetSpecs: [
    { type: "Public", name: "public", cidrMask: 20 },
    { type: "Private", name: "app", cidrMask: 20 },
    { type: "Isolated", name: "data", cidrMask: 22 },
  ],
  natGateways: { strategy: has("nat") ? "OnePerAz" : "None" },
});
const group = new aws.ec2.SecurityGroup("servers", { vpcId: vpc.vpcId, description: has("moved") ? "new" : "old" });
const release = new aws.ssm.Parameter("release", {
  name: "/tiny/release",
  type: "String",
  value: has("released") ? "two" : "one",
});
new aws.ssm.Parameter("pinned", {
  name: "/tiny/pinned",
  type: "String",
  value: pulumi.interpolate`/tiny/release:${release.version}`,
});
const user = new aws.secretsmanager.Secret("user", { description: "made empty" });

const gate = new aws.lambda.Function("gate", {
  role: "arn:aws:iam::123456789012:role/gate",
  runtime: "nodejs22.x",
  handler: "index.handler",
  timeout: 60,
  code: new pulumi.asset.AssetArchive({
    "index.mjs": new pulumi.asset.StringAsset(
      `export const handler = async ({ step }) => {
         if (step === "hang") await new Promise((resolve) => setTimeout(resolve, 50_000));
         if (step === "fail") throw new Error("the gate is shut");
         return step;
       };`,
    ),
  }),
});
const step = has("hang") ? "hang" : has("fail") ? "fail" : "go";
const passed = new aws.lambda.Invocation("gate", { functionName: gate.name, input: JSON.stringify({ step }) });
if (has("unknown")) new aws.kinesis.Stream("jobs");

export const subnets = vpc.subnets.apply((all) => pulumi.all(all.map(({ cidrBlock }) => cidrBlock)));
export const natGateways = vpc.natGateways.apply((all) => all.length);
export const dataSubnetIds = vpc.isolatedSubnetIds;
export const groupId = group.id;
export const secretArn = user.arn;
export const result = passed.result;
export const found = (await aws.ssm.getParametersByPath({ path: "/tiny" })).values;
