import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

/** Arguments of `alarm`. */
export interface AlarmArgs {
  /** What it means, and what to do. */
  readonly description: string;
  readonly namespace: string;
  readonly metric: string;
  readonly dimensions: Readonly<Record<string, pulumi.Input<string>>>;
  readonly statistic: "Average" | "Maximum" | "Minimum" | "Sum";
  /** The alarm rings on the other side of it. */
  readonly threshold: { readonly above: number } | { readonly below: number };
  /** Periods of five minutes in a row. @default 1 */
  readonly periods?: number;
  /** What no measurement at all means. */
  readonly missing: "breaching" | "notBreaching";
}

/** An alarm over periods of five minutes. Nobody is told: it is seen in CloudWatch, and can be given actions there. */
export function alarm(name: string, args: AlarmArgs, opts: pulumi.CustomResourceOptions): void {
  const { threshold } = args;
  const comparison =
    "above" in threshold
      ? { comparisonOperator: "GreaterThanThreshold", threshold: threshold.above }
      : { comparisonOperator: "LessThanThreshold", threshold: threshold.below };
  new aws.cloudwatch.MetricAlarm(
    name,
    {
      alarmDescription: args.description,
      namespace: args.namespace,
      metricName: args.metric,
      dimensions: { ...args.dimensions },
      statistic: args.statistic,
      period: 300,
      evaluationPeriods: args.periods ?? 1,
      treatMissingData: args.missing,
      ...comparison,
    },
    opts,
  );
}
