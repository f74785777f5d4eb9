import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** A bucket, and the setting that its policy has to wait for. */
export interface PrivateBucket {
  readonly bucket: aws.s3.Bucket;
  readonly closed: aws.s3.BucketPublicAccessBlock;
}

/**
 * A bucket that is versioned, encrypted and closed to the public. It needs a `bucketPolicy` as well.
 *
 * @param after what has to be done before it is made
 * @param teardown whether it may be deleted with what is in it: the first of the two updates that remove a stack
 */
export function privateBucket(
  name: string,
  { teardown, after = [] }: { teardown: boolean; after?: readonly pulumi.Resource[] | undefined },
  parent: pulumi.Resource,
): PrivateBucket {
  const bucket = new aws.s3.Bucket(
    name,
    { forceDestroy: teardown },
    { parent, protect: !teardown, dependsOn: [...after] },
  );
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
  return { bucket, closed };
}

/** A statement of a bucket's policy. */
export type PolicyStatement = Readonly<Record<string, unknown>>;

/** Arguments of `bucketPolicy`. */
export interface BucketPolicyArgs {
  /** What others than the account's own roles may do. @default nothing */
  readonly statements?: readonly PolicyStatement[];
  /** What has to be over before the policy changes. @default nothing */
  readonly after?: readonly pulumi.Resource[] | undefined;
}

/** The policy of a private bucket: TLS only, and whatever else is allowed. */
export function bucketPolicy(
  name: string,
  { bucket, closed }: PrivateBucket,
  { statements = [], after = [] }: BucketPolicyArgs,
  parent: pulumi.Resource,
): void {
  new aws.s3.BucketPolicy(
    name,
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
          ...statements,
        ],
      }),
    },
    // S3 refuses two changes of a bucket's access at once.
    { parent, dependsOn: [closed, ...after] },
  );
}
