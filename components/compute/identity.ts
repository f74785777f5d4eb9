import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { ServedMedia } from "../media/media.ts";

/** Arguments of `Identity`. */
export interface IdentityArgs {
  /** CloudWatch log group of the servers, `/chirp/<stack>/servers`; the bootstrap knows it by this rule. */
  readonly logGroupName: string;
  readonly releaseArn: pulumi.Input<string>;
  readonly bucketArn: pulumi.Input<string>;
  readonly adminSecretArn: pulumi.Input<string>;
  readonly appSecretArn: pulumi.Input<string>;
  /** Bucket of pictures and secret of CloudFront, in a stack that has them. @default none */
  readonly media?: ServedMedia | undefined;
  /** Secret by which CloudFront proves itself, in a stack that ever had one. @default none */
  readonly frontSecretArn?: pulumi.Output<string> | undefined;
}

/** Who a server is to AWS, and the little it may do. */
export class Identity extends pulumi.ComponentResource {
  readonly instanceProfileName: pulumi.Output<string>;
  readonly instanceProfileArn: pulumi.Output<string>;

  constructor(name: string, args: IdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:compute:Identity", name, {}, opts);
    const child = { parent: this };
    const logs = new aws.cloudwatch.LogGroup(
      `${name}-servers-log`,
      { name: args.logGroupName, retentionInDays: 30 },
      child,
    );
    const role = new aws.iam.Role(`${name}-servers-role`, { assumeRolePolicy: trust("ec2.amazonaws.com") }, child);
    new aws.iam.RolePolicy(
      `${name}-servers-policy`,
      {
        role: role.name,
        policy: pulumi.jsonStringify({
          Version: "2012-10-17",
          Statement: [
            allow(["ssm:GetParameter"], [args.releaseArn]),
            allow(["s3:GetObject"], [pulumi.interpolate`${args.bucketArn}/*`]),
            allow(
              ["secretsmanager:GetSecretValue"],
              [args.adminSecretArn, args.appSecretArn, ...(args.frontSecretArn ? [args.frontSecretArn] : [])],
            ),
            allow(["secretsmanager:PutSecretValue"], [args.appSecretArn]),
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
    // Of its own, so that it goes last: servers sign uploads until the last of them has been replaced.
    if (args.media !== undefined)
      new aws.iam.RolePolicy(
        `${name}-servers-media-policy`,
        {
          role: role.name,
          policy: pulumi.jsonStringify({ Version: "2012-10-17", Statement: picturePermissions(args.media) }),
        },
        child,
      );
    const profile = new aws.iam.InstanceProfile(`${name}-servers-profile`, { role: role.name }, child);
    this.instanceProfileName = profile.name;
    this.instanceProfileArn = profile.arn;
    this.registerOutputs({ instanceProfileArn: this.instanceProfileArn });
  }
}

/** Uploads are signed in a server's name, so it may do what its signatures allow; and read, adopt and remove them. */
function picturePermissions({ bucketArn }: ServedMedia) {
  const under = (folder: string) => pulumi.interpolate`${bucketArn}/${folder}/*`;
  return [
    allow(["s3:PutObject", "s3:DeleteObject"], [under("incoming"), under("media")]),
    allow(["s3:GetObject"], [under("incoming")]),
    // Without it S3 says "forbidden" of an object that isn't there.
    allow(["s3:ListBucket"], [bucketArn]),
  ];
}

/**
 * A shell through Session Manager: no SSH port, no key. AWS's managed policy for it would also let a server read every
 * parameter of the account.
 */
const sessionManager = [
  "ssm:UpdateInstanceInformation",
  "ssmmessages:CreateControlChannel",
  "ssmmessages:CreateDataChannel",
  "ssmmessages:OpenControlChannel",
  "ssmmessages:OpenDataChannel",
];

/** Trust policy of a role that one AWS service takes. */
export function trust(service: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
  });
}

/** A policy statement. */
export function allow(actions: string[], resources: pulumi.Input<string>[]) {
  return { Effect: "Allow", Action: actions, Resource: resources };
}
