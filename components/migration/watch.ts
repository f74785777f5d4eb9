import type * as pulumi from "@pulumi/pulumi";
import { alarm, type AlarmArgs } from "../alarm.ts";

/** Arguments of `watch`. */
export interface WatchArgs {
  /** Name of the stack: the dimension of the worker's metrics. */
  readonly stack: string;
  /** Whether changes are read from the binlog, which the database keeps for a while only. */
  readonly readsBinlog: boolean;
}

/** An alarm as it differs from the others. The worker's metrics come from its log (`app/migration/metrics.ts`). */
type Watched = Pick<AlarmArgs, "description" | "metric" | "statistic" | "threshold">;

const look = "`npm run migration -- status` says more";

/** Worker that is silent, rows that could not be moved, stores that differ: with every strategy. */
const always: Readonly<Record<string, Watched>> = {
  "dead-letters": {
    description: `Rows could not be moved to DynamoDB, or the worker is silent: ${look}`,
    metric: "DeadLetters",
    statistic: "Maximum",
    threshold: { above: 0 },
  },
  problem: {
    description: `The migration's worker has stood still for a quarter of an hour, or is silent: ${look}`,
    metric: "Problems",
    statistic: "Minimum",
    threshold: { above: 0 },
  },
  differences: {
    // The least of five minutes: what is only on its way has arrived by then.
    description: `DynamoDB and MySQL differ, or the worker is silent: ${look}, and \`-- repair\` mends`,
    metric: "Differences",
    statistic: "Minimum",
    threshold: { above: 0 },
  },
};

const ofBinlog: Readonly<Record<string, Watched>> = {
  lag: {
    description: `DynamoDB is more than five minutes behind, as it is while old rows are copied: ${look}`,
    metric: "LagSeconds",
    statistic: "Minimum",
    threshold: { above: 300 },
  },
  retention: {
    description: `In two days the binlog expires that is still to be read; what is unread then is lost: ${look}`,
    metric: "RetentionSecondsLeft",
    statistic: "Minimum",
    threshold: { below: 48 * 3600 },
  },
};

const ofOutbox: Readonly<Record<string, Watched>> = {
  outbox: {
    description: `Changes wait to be written to DynamoDB: ${look}`,
    metric: "OutboxWaiting",
    statistic: "Minimum",
    threshold: { above: 1000 },
  },
  "outbox-age": {
    description: `A change has waited for five minutes to be written to DynamoDB: ${look}`,
    metric: "OutboxOldestSeconds",
    statistic: "Minimum",
    threshold: { above: 300 },
  },
};

/** Alarms over what the worker says of itself; to say nothing for a quarter of an hour is an alarm as well. */
export function watch(name: string, { stack, readsBinlog }: WatchArgs, opts: pulumi.CustomResourceOptions): void {
  for (const [what, watched] of Object.entries({ ...always, ...(readsBinlog ? ofBinlog : ofOutbox) }))
    alarm(
      `${name}-migration-${what}`,
      { ...watched, namespace: "Chirp/Migration", dimensions: { Stack: stack }, periods: 3, missing: "breaching" },
      opts,
    );
}
