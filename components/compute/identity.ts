import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { ServedMedia } from "../media/media.ts";
import { allow, type Statement } from "../permissions.ts";
import { machineRole } from "./role.ts";

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
  /** The DynamoDB table, in a stack whose servers know it. @default none */
  readonly tableArn?: pulumi.Input<string> | undefined;
}

/** Who a server is to AWS, and the little it may do. */
export class Identity extends pulumi.ComponentResource {
  readonly instanceProfileName: pulumi.Output<string>;
  readonly instanceProfileArn: pulumi.Output<string>;

  constructor(name: string, args: IdentityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:compute:Identity", name, {}, opts);
    const { logGroupName, releaseArn, bucketArn, adminSecretArn, appSecretArn, frontSecretArn, media, tableArn } = args;
    const secrets = [adminSecretArn, appSecretArn, ...(frontSecretArn ? [frontSecretArn] : [])];
    const permissions = [
      allow(["secretsmanager:GetSecretValue"], secrets),
      allow(["secretsmanager:PutSecretValue"], [appSecretArn]),
    ];
    const { role, profile } = machineRole(
      `${name}-servers`,
      { logGroupName, releaseArn, bucketArn, permissions },
      this,
    );
    // What comes and goes has a policy of its own, so that it goes last: servers sign uploads, and write to the table,
    // until the last of them has been replaced.
    const also = (what: string, statements: Statement[]) =>
      new aws.iam.RolePolicy(
        `${name}-servers-${what}-policy`,
        { role: role.name, policy: pulumi.jsonStringify({ Version: "2012-10-17", Statement: statements }) },
        { parent: this },
      );
    if (media !== undefined) also("media", picturePermissions(media));
    if (tableArn !== undefined) also("table", [allow(storeActions, [tableArn])]);
    this.instanceProfileName = profile.name;
    this.instanceProfileArn = profile.arn;
    this.registerOutputs({ instanceProfileArn: this.instanceProfileArn });
  }
}

/** Uploads are signed in a server's name, so it may do what its signatures allow; and read, adopt and remove them. */
function picturePermissions({ bucketArn }: ServedMedia): Statement[] {
  const under = (folder: string) => pulumi.interpolate`${bucketArn}/${folder}/*`;
  return [
    allow(["s3:PutObject", "s3:DeleteObject"], [under("incoming"), under("media")]),
    allow(["s3:GetObject"], [under("incoming")]),
    // Without it S3 says "forbidden" of an object that isn't there.
    allow(["s3:ListBucket"], [bucketArn]),
  ];
}

/** What the store does to its table, transactions included: they are allowed by what they consist of. No scan. */
const storeActions = [
  "dynamodb:BatchGetItem",
  "dynamodb:BatchWriteItem",
  "dynamodb:ConditionCheckItem",
  "dynamodb:DeleteItem",
  "dynamodb:GetItem",
  "dynamodb:PutItem",
  "dynamodb:Query",
  "dynamodb:UpdateItem",
];
