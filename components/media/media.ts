import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Door } from "../compute/machine.ts";
import { bucketPolicy, type PolicyStatement, privateBucket } from "../bucket.ts";
import { Front, type FrontArgs } from "./front.ts";

/** Arguments of `Media`. */
export interface MediaArgs {
  /** What serves the pictures; without it the bucket only keeps what is in it. */
  readonly front: FrontArgs | undefined;
  /** Whether the bucket may be deleted with what is in it: the first of the two updates that remove a stack. */
  readonly teardown: boolean;
  /** What has to be done before the bucket is made. @default nothing */
  readonly bucketAfter?: readonly pulumi.Resource[];
  /** What has to be over before a front that is no longer wanted may read no more. @default nothing */
  readonly after?: readonly pulumi.Resource[];
}

/** What servers are told about pictures, where these are served. */
export interface ServedMedia {
  readonly bucketName: pulumi.Output<string>;
  readonly bucketArn: pulumi.Output<string>;
  /** Host name of the front. */
  readonly host: pulumi.Output<string>;
}

/** Pictures: the bucket that browsers upload to, and CloudFront, which serves them and everything else. */
export class Media extends pulumi.ComponentResource {
  /** How clients reach the front. */
  readonly door: Door | undefined;
  readonly served: ServedMedia | undefined;

  constructor(name: string, args: MediaArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:media:Media", name, {}, opts);
    const made = privateBucket(`${name}-media`, { teardown: args.teardown, after: args.bucketAfter }, this);
    const { bucket } = made;
    expireLeftovers(`${name}-media-lifecycle`, bucket, this);
    const front = args.front && new Front(name, { ...args.front, bucket }, { parent: this });
    const policy = `${name}-media-policy`;
    bucketPolicy(policy, made, { statements: front ? [readingBy(front, bucket)] : [], after: args.after }, this);
    if (args.front && front) allowUploads(`${name}-media-cors`, bucket, pagesOf(front, args.front), this);
    this.door = front?.door;
    this.served = front && { bucketName: bucket.bucket, bucketArn: bucket.arn, host: front.host };
    this.registerOutputs({ bucketName: bucket.bucket });
  }
}

/** What nobody needs any more goes by itself: uploads that no post took, and what deleted posts left behind. */
function expireLeftovers(name: string, bucket: aws.s3.Bucket, parent: pulumi.Resource): void {
  new aws.s3.BucketLifecycleConfiguration(
    name,
    {
      bucket: bucket.bucket,
      rules: [
        {
          id: "uploads-that-no-post-took",
          status: "Enabled",
          filter: { prefix: "incoming/" },
          // The least S3 knows: an upload stays at least a day, and a post may take it as long as it is there.
          expiration: { days: 1 },
          noncurrentVersionExpiration: { noncurrentDays: 1 },
          abortIncompleteMultipartUpload: { daysAfterInitiation: 1 },
        },
        {
          id: "pictures-of-deleted-posts",
          status: "Enabled",
          filter: { prefix: "media/" },
          // Time to notice a mistake and bring them back.
          noncurrentVersionExpiration: { noncurrentDays: 7 },
          expiration: { expiredObjectDeleteMarker: true },
        },
      ],
    },
    { parent },
  );
}

/** This distribution, and no other of anybody, may read pictures; nobody may read uploads. */
function readingBy(front: Front, bucket: aws.s3.Bucket): PolicyStatement {
  return {
    Sid: "ReadPictures",
    Effect: "Allow",
    Principal: { Service: "cloudfront.amazonaws.com" },
    Action: "s3:GetObject",
    Resource: pulumi.interpolate`${bucket.arn}/media/*`,
    Condition: { StringEquals: { "AWS:SourceArn": front.arn } },
  };
}

/** Every origin that the service's page is opened at. */
function pagesOf(front: Front, { balancerName, domain }: FrontArgs): pulumi.Input<string>[] {
  const names = [...(domain ? [domain.name] : []), front.host, balancerName];
  // Plain HTTP as well: a page that somebody has open while the domain moves to the front came by it, and a network load
  // balancer can't redirect.
  return names.flatMap((name) => [pulumi.interpolate`https://${name}`, pulumi.interpolate`http://${name}`]);
}

function allowUploads(
  name: string,
  bucket: aws.s3.Bucket,
  pages: pulumi.Input<string>[],
  parent: pulumi.Resource,
): void {
  new aws.s3.BucketCorsConfiguration(
    name,
    {
      bucket: bucket.bucket,
      corsRules: [
        {
          allowedOrigins: pages,
          allowedMethods: ["PUT"],
          allowedHeaders: ["content-type", "if-none-match"],
          maxAgeSeconds: 3600,
        },
      ],
    },
    { parent },
  );
}
