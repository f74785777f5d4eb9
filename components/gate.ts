import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { GateRequest } from "../app/functions/gate/request.ts";
import { allow, trust } from "./compute/identity.ts";
import type { Artifact } from "./delivery/artifact.ts";

/** Arguments of `Gate`. */
export interface GateArgs {
  /** The waiter's code, `app/functions/gate.ts`. */
  readonly artifact: Artifact;
  /** CloudWatch log group, `/chirp/<stack>/gate`. */
  readonly logGroupName: string;
  /** Target group whose targets it looks at, puts in and takes out, in a stack that has one. */
  readonly targetGroupArn: pulumi.Input<string> | undefined;
  /** Route 53 zone it looks at, in a stack with a domain name. */
  readonly hostedZoneId: string | undefined;
}

/**
 * The waiter: a function that an update calls and that answers when a condition holds, or fails. The stock resources
 * return before what they change has happened; whatever must not start too early depends on a call of this.
 */
export class Gate extends pulumi.ComponentResource {
  private readonly functionName: pulumi.Output<string>;

  constructor(name: string, args: GateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:gate:Gate", name, {}, opts);
    const child = { parent: this };
    const logs = new aws.cloudwatch.LogGroup(
      `${name}-gate-log`,
      { name: args.logGroupName, retentionInDays: 30 },
      child,
    );
    const role = new aws.iam.Role(`${name}-gate-role`, { assumeRolePolicy: trust("lambda.amazonaws.com") }, child);
    const policy = new aws.iam.RolePolicy(
      `${name}-gate-policy`,
      {
        role: role.name,
        policy: pulumi.jsonStringify({
          Version: "2012-10-17",
          Statement: [
            allow(["logs:CreateLogStream", "logs:PutLogEvents"], [pulumi.interpolate`${logs.arn}:*`]),
            // AWS lets none of these be narrowed to a resource.
            allow(
              [
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeInstanceRefreshes",
                "elasticloadbalancing:DescribeTargetHealth",
              ],
              ["*"],
            ),
            ...(args.targetGroupArn === undefined
              ? []
              : [
                  allow(
                    ["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"],
                    [args.targetGroupArn],
                  ),
                ]),
            ...(args.hostedZoneId === undefined
              ? []
              : [allow(["route53:ListResourceRecordSets"], [`arn:aws:route53:::hostedzone/${args.hostedZoneId}`])]),
          ],
        }),
      },
      child,
    );
    const waiter = new aws.lambda.Function(
      `${name}-gate`,
      {
        description: "Waits until a step of an update has really happened",
        role: role.arn,
        runtime: "nodejs22.x",
        architectures: ["arm64"],
        handler: "index.handler",
        code: new pulumi.asset.AssetArchive({ "index.mjs": new pulumi.asset.FileAsset(args.artifact.path) }),
        memorySize: 256,
        // The most Lambda allows; the waiter itself gives up a little earlier and says what it was waiting for.
        timeout: 900,
        loggingConfig: { logFormat: "Text", logGroup: logs.name },
      },
      { parent: this, dependsOn: [policy] },
    );
    this.functionName = waiter.name;
    this.registerOutputs({ functionName: this.functionName });
  }

  /** Holds up whatever depends on the result until `request` is met. It is asked again when the request changes. */
  wait(
    name: string,
    request: pulumi.Input<pulumi.Unwrap<GateRequest>>,
    opts: pulumi.CustomResourceOptions,
  ): aws.lambda.Invocation {
    return new aws.lambda.Invocation(
      name,
      { functionName: this.functionName, input: pulumi.jsonStringify(request) },
      // The policy changes in the same updates as the requests that need it.
      {
        ...opts,
        dependsOn: pulumi.output([opts.dependsOn ?? [], this]).apply((all) => all.flat() as pulumi.Resource[]),
      },
    );
  }
}
