import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { GateRequest } from "../app/functions/gate/request.ts";
import type { Artifact } from "./delivery/artifact.ts";
import { lambdaFunction } from "./function.ts";
import { allow, type Statement } from "./permissions.ts";

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
    const waiter = lambdaFunction(
      `${name}-gate`,
      {
        description: "Waits until a step of an update has really happened",
        artifact: args.artifact,
        logGroupName: args.logGroupName,
        permissions: permissions(args),
        memory: 256,
        // The most Lambda allows; the waiter itself gives up a little earlier and says what it was waiting for.
        timeout: 900,
      },
      this,
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

function permissions({ targetGroupArn, hostedZoneId }: GateArgs): Statement[] {
  return [
    // AWS lets none of these be narrowed to a resource.
    allow(
      [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeInstanceRefreshes",
        "elasticloadbalancing:DescribeTargetHealth",
      ],
      ["*"],
    ),
    ...(targetGroupArn === undefined
      ? []
      : [allow(["elasticloadbalancing:RegisterTargets", "elasticloadbalancing:DeregisterTargets"], [targetGroupArn])]),
    ...(hostedZoneId === undefined
      ? []
      : [allow(["route53:ListResourceRecordSets"], [`arn:aws:route53:::hostedzone/${hostedZoneId}`])]),
  ];
}
