import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Artifact } from "./delivery/artifact.ts";
import { allow, type Statement, trust } from "./permissions.ts";

/** Arguments of `lambdaFunction`. */
export interface FunctionArgs {
  readonly description: string;
  /** The handler's code, from `app/functions/`. */
  readonly artifact: Artifact;
  /** CloudWatch log group, `/chirp/<stack>/<role>`. */
  readonly logGroupName: string;
  /** What it may do beside writing its log. */
  readonly permissions: readonly Statement[];
  /** @default none */
  readonly environment?: Readonly<Record<string, pulumi.Input<string>>>;
  /** MB; processor time goes with it. */
  readonly memory: number;
  /** Seconds; Lambda allows 900 at most. */
  readonly timeout: number;
  /** Private network it runs in. @default none: it reaches AWS's APIs and nothing of the stack's own */
  readonly network?: FunctionNetwork;
}

/** Where in a VPC a function has its interfaces. */
export interface FunctionNetwork {
  readonly subnetIds: pulumi.Input<string[]>;
  readonly securityGroupId: pulumi.Input<string>;
  /** Group that its interfaces get when it goes. Lambda leaves them for some 20 minutes, and its own group with them. */
  readonly lastSecurityGroupId: pulumi.Input<string>;
}

/** A Lambda function with a role of its own, that exists only when it may already do what it is for. */
export function lambdaFunction(name: string, args: FunctionArgs, parent: pulumi.Resource): aws.lambda.Function {
  const child = { parent };
  const logs = new aws.cloudwatch.LogGroup(`${name}-log`, { name: args.logGroupName, retentionInDays: 30 }, child);
  const role = new aws.iam.Role(`${name}-role`, { assumeRolePolicy: trust("lambda.amazonaws.com") }, child);
  const policy = new aws.iam.RolePolicy(
    `${name}-policy`,
    {
      role: role.name,
      policy: pulumi.jsonStringify({
        Version: "2012-10-17",
        Statement: [
          allow(["logs:CreateLogStream", "logs:PutLogEvents"], [pulumi.interpolate`${logs.arn}:*`]),
          ...args.permissions,
          ...(args.network ? [allow(networkInterfaces, ["*"])] : []),
        ],
      }),
    },
    child,
  );
  const { network, environment } = args;
  return new aws.lambda.Function(
    name,
    {
      description: args.description,
      role: role.arn,
      runtime: "nodejs24.x",
      architectures: ["arm64"],
      handler: "index.handler",
      code: new pulumi.asset.AssetArchive({ "index.mjs": new pulumi.asset.FileAsset(args.artifact.path) }),
      memorySize: args.memory,
      timeout: args.timeout,
      loggingConfig: { logFormat: "Text", logGroup: logs.name },
      ...(environment && { environment: { variables: environment } }),
      ...(network && {
        vpcConfig: { subnetIds: network.subnetIds, securityGroupIds: [network.securityGroupId] },
        replaceSecurityGroupsOnDestroy: true,
        replacementSecurityGroupIds: [network.lastSecurityGroupId],
      }),
    },
    { parent, dependsOn: [policy] },
  );
}

/** What Lambda itself does in a VPC in the function's name. AWS lets none of it be narrowed to a resource in advance. */
const networkInterfaces = [
  "ec2:AssignPrivateIpAddresses",
  "ec2:CreateNetworkInterface",
  "ec2:DeleteNetworkInterface",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeSubnets",
  "ec2:UnassignPrivateIpAddresses",
];
