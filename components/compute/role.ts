import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { allow, type Statement, trust } from "../permissions.ts";

/** Arguments of `machineRole`. */
export interface MachineRoleArgs {
  /** CloudWatch log group of these machines; the bootstrap knows it by rule from the name of their release. */
  readonly logGroupName: string;
  /** The release that they follow. */
  readonly releaseArn: pulumi.Input<string>;
  /** Bucket with the bundles that a release names. */
  readonly bucketArn: pulumi.Input<string>;
  /** What they may do beside fetching their code, writing their logs and giving a shell. */
  readonly permissions: readonly Statement[];
}

/** Who a kind of machine is to AWS. */
export interface MachineRole {
  readonly role: aws.iam.Role;
  readonly policy: aws.iam.RolePolicy;
  readonly profile: aws.iam.InstanceProfile;
}

/** A role for machines that start from the bootstrap, with the little that each of them may do. */
export function machineRole(name: string, args: MachineRoleArgs, parent: pulumi.Resource): MachineRole {
  const child = { parent };
  const logs = new aws.cloudwatch.LogGroup(`${name}-log`, { name: args.logGroupName, retentionInDays: 30 }, child);
  const role = new aws.iam.Role(`${name}-role`, { assumeRolePolicy: trust("ec2.amazonaws.com") }, child);
  const policy = new aws.iam.RolePolicy(
    `${name}-policy`,
    {
      role: role.name,
      policy: pulumi.jsonStringify({
        Version: "2012-10-17",
        Statement: [
          allow(["ssm:GetParameter"], [args.releaseArn]),
          allow(["s3:GetObject"], [pulumi.interpolate`${args.bucketArn}/*`]),
          ...args.permissions,
          allow(
            ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [pulumi.interpolate`${logs.arn}:*`],
          ),
          allow(sessionManager, ["*"]),
        ],
      }),
    },
    child,
  );
  return { role, policy, profile: new aws.iam.InstanceProfile(`${name}-profile`, { role: role.name }, child) };
}

/**
 * A shell through Session Manager: no SSH port, no key. AWS's managed policy for it would also let a machine read every
 * parameter of the account.
 */
const sessionManager = [
  "ssm:UpdateInstanceInformation",
  "ssmmessages:CreateControlChannel",
  "ssmmessages:CreateDataChannel",
  "ssmmessages:OpenControlChannel",
  "ssmmessages:OpenDataChannel",
];
