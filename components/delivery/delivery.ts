import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Artifact } from "./artifact.ts";

/** Arguments of `Delivery`. */
export interface DeliveryArgs {
  /** Name of the release parameter, `/chirp/<stack>/release`. */
  readonly releaseName: string;
  /** The program that runs the server on a machine. */
  readonly agent: Artifact;
  /** The server. */
  readonly server: Artifact;
  /** Environment of the server. */
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
  /** Whether the bucket may be deleted with what is in it: the first of the two updates that remove a stack. */
  readonly teardown: boolean;
}

/** Brings code and environment to the servers: bundles in a private bucket, and one parameter that says which to run. */
export class Delivery extends pulumi.ComponentResource {
  readonly bucketArn: pulumi.Output<string>;
  readonly releaseArn: pulumi.Output<string>;
  /** Version that the release parameter has after this update. */
  readonly releaseVersion: pulumi.Output<number>;

  constructor(name: string, args: DeliveryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:delivery:Delivery", name, {}, opts);
    const bucket = privateBucket(`${name}-releases`, args.teardown, this);
    const store = (role: "agent" | "server", artifact: Artifact) =>
      new aws.s3.BucketObjectv2(
        `${name}-release-${role}`,
        {
          bucket: bucket.bucket,
          key: `${role}/${artifact.sha256}.mjs`,
          source: new pulumi.asset.FileAsset(artifact.path),
          contentType: "text/javascript",
        },
        // A server that is restarted or rolled back still finds what it was started with.
        { parent: this, retainOnDelete: true },
      );
    const agent = store("agent", args.agent);
    const server = store("server", args.server);
    const release = new aws.ssm.Parameter(
      `${name}-release`,
      {
        name: args.releaseName,
        type: "String",
        description: "Which bundle the Chirp servers run, and in which environment",
        // The bootstrap reads the agent out of this text with a pattern: it comes first, its keys in this order.
        value: pulumi
          .all([bucket.bucket, agent.key, server.key, args.environment])
          .apply(([bucket, agentKey, serverKey, env]) =>
            JSON.stringify({
              agent: { bucket, key: agentKey, sha256: args.agent.sha256 },
              server: { bucket, key: serverKey, sha256: args.server.sha256 },
              env,
            }),
          ),
      },
      { parent: this },
    );
    this.bucketArn = bucket.arn;
    this.releaseArn = release.arn;
    this.releaseVersion = release.version;
    this.registerOutputs({ bucketArn: this.bucketArn, releaseArn: this.releaseArn });
  }
}

/** A bucket that is versioned, encrypted, closed to the public and reached over TLS only. */
function privateBucket(name: string, teardown: boolean, parent: pulumi.Resource): aws.s3.Bucket {
  const bucket = new aws.s3.Bucket(name, { forceDestroy: teardown }, { parent, protect: !teardown });
  const child = { parent };
  new aws.s3.BucketVersioning(
    `${name}-versioning`,
    { bucket: bucket.bucket, versioningConfiguration: { status: "Enabled" } },
    child,
  );
  new aws.s3.BucketOwnershipControls(
    `${name}-ownership`,
    { bucket: bucket.bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
    child,
  );
  new aws.s3.BucketServerSideEncryptionConfiguration(
    `${name}-encryption`,
    { bucket: bucket.bucket, rules: [{ applyServerSideEncryptionByDefault: { sseAlgorithm: "AES256" } }] },
    child,
  );
  const closed = new aws.s3.BucketPublicAccessBlock(
    `${name}-public-access`,
    {
      bucket: bucket.bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    },
    child,
  );
  new aws.s3.BucketPolicy(
    `${name}-policy`,
    {
      bucket: bucket.bucket,
      policy: pulumi.jsonStringify({
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "TlsOnly",
            Effect: "Deny",
            Principal: "*",
            Action: "s3:*",
            Resource: [bucket.arn, pulumi.interpolate`${bucket.arn}/*`],
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
        ],
      }),
    },
    // S3 refuses two changes of a bucket's access at once.
    { parent, dependsOn: [closed] },
  );
  return bucket;
}
