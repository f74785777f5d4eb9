import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { bucketPolicy, privateBucket } from "../bucket.ts";
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

/** Arguments of `release`. */
export interface ReleaseArgs {
  /** Name of the parameter. */
  readonly releaseName: string;
  readonly description: string;
  /** Environment of the server. */
  readonly environment: Readonly<Record<string, pulumi.Input<string>>>;
}

/** A bundle as machines fetch and check it. */
interface BundleObject {
  readonly bucket: string;
  readonly key: string;
  readonly sha256: string;
}

/** Brings code and environment to the servers: bundles in a private bucket, and one parameter that says which to run. */
export class Delivery extends pulumi.ComponentResource {
  readonly bucketArn: pulumi.Output<string>;
  readonly releaseArn: pulumi.Output<string>;
  /** Version that the release parameter has after this update. */
  readonly releaseVersion: pulumi.Output<number>;
  private readonly bundles: pulumi.Output<Record<"agent" | "server", BundleObject>>;

  constructor(name: string, args: DeliveryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:delivery:Delivery", name, {}, opts);
    const made = privateBucket(`${name}-releases`, args, this);
    const { bucket } = made;
    bucketPolicy(`${name}-releases-policy`, made, {}, this);
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
    // The bootstrap reads the agent out of this text with a pattern: it comes first, its keys in this order.
    this.bundles = pulumi.all([bucket.bucket, agent.key, server.key]).apply(([bucket, agentKey, serverKey]) => ({
      agent: { bucket, key: agentKey, sha256: args.agent.sha256 },
      server: { bucket, key: serverKey, sha256: args.server.sha256 },
    }));
    const { releaseName, environment } = args;
    const description = "Which bundle the Chirp servers run, and in which environment";
    const release = this.release(`${name}-release`, { releaseName, description, environment }, this);
    this.bucketArn = bucket.arn;
    this.releaseArn = release.arn;
    this.releaseVersion = release.version;
    this.registerOutputs({ bucketArn: this.bucketArn, releaseArn: this.releaseArn });
  }

  /** A parameter that tells machines which bundle to run, and in which environment: the same code in another part. */
  release(name: string, args: ReleaseArgs, parent: pulumi.Resource): aws.ssm.Parameter {
    const { releaseName, description, environment } = args;
    const value = pulumi
      .all([this.bundles, environment])
      .apply(([bundles, env]) => JSON.stringify({ ...bundles, env }));
    return new aws.ssm.Parameter(name, { name: releaseName, type: "String", description, value }, { parent });
  }
}
