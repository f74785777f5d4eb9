import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** A statement of a bucket's policy, beside the one that refuses plain HTTP. */
export type PolicyStatement = Readonly<Record<string, unknown>>;

/** Arguments of `privateBucket`. */
export interface PrivateBucketArgs {
  /** Whether the bucket may be deleted with what is in it: the first of the two updates that remove a stack. */
  readonly teardown: boolean;
  /** Who may do what beyond the account's own roles. @default nobody */
  readonly statements?: (bucketArn: pulumi.Output<string>) => pulumi.Input<PolicyStatement>[];
}

/** A bucket that is versioned, encrypted, closed to the public and reached over TLS only. */
export function privateBucket(name: string, args: PrivateBucketArgs, parent: pulumi.Resource): aws.s3.Bucket {
  const { teardown, statements = () => [] } = args;
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
          ...statements(bucket.arn),
        ],
      }),
    },
    // S3 refuses two changes of a bucket's access at once.
    { parent, dependsOn: [closed] },
  );
  return bucket;
}
