import { totalOf } from "./lines.ts";
import type { MigrationStatus } from "./model.ts";

const namespace = "Chirp/Migration";

/** What is left, in seconds, where the database never removes its binlog: silence would be an alarm. */
const forEver = 10 * 365 * 86_400;

/**
 * Values and units of what CloudWatch is told; alarms go by these names. Null where the strategy has no such thing. Before
 * changes are followed there is no lag to speak of: what is left of the binlog's retention is the measure then.
 */
function measure(status: MigrationStatus) {
  const { strategy, binlog, deadLetters, verification, retention, backfill, outbox, problem } = status;
  const [noLag, noExpiry, noOutbox] = strategy === "dual-write" ? [null, null, 0] : [0, forEver, null];
  return {
    LagSeconds: { unit: "Seconds", value: binlog?.lagSeconds ?? noLag },
    LagBytes: { unit: "Bytes", value: binlog?.lagBytes ?? noLag },
    DeadLetters: { unit: "Count", value: deadLetters },
    Differences: { unit: "Count", value: totalOf(verification.differences) },
    RetentionSecondsLeft: { unit: "Seconds", value: retention?.expiresInSeconds ?? noExpiry },
    BackfillRows: { unit: "Count", value: backfill.rows },
    ItemsPerSecond: { unit: "Count/Second", value: backfill.itemsPerSecond },
    EtaSeconds: { unit: "Seconds", value: backfill.etaSeconds ?? binlog?.etaSeconds ?? null },
    VerifiedPercent: { unit: "Percent", value: verifiedPercent(verification) },
    OutboxWaiting: { unit: "Count", value: outbox?.waiting ?? noOutbox },
    OutboxOldestSeconds: { unit: "Seconds", value: outbox?.oldestSeconds ?? noOutbox },
    Problems: { unit: "Count", value: problem === null ? 0 : 1 },
  };
}

function verifiedPercent({ rows, rowsTotal, items, itemsTotal }: MigrationStatus["verification"]): number {
  const total = rowsTotal + itemsTotal;
  return total === 0 ? 0 : Math.min(100, Math.floor(((rows + items) * 100) / total));
}

/**
 * The status as one line of CloudWatch's embedded metric format: a log line that CloudWatch makes metrics of.
 *
 * @param time Unix time in milliseconds
 */
export function metricsLine(status: MigrationStatus, stack: string, time: number): string {
  const known = Object.entries(measure(status)).filter(([, { value }]) => value !== null);
  return JSON.stringify({
    _aws: {
      Timestamp: time,
      CloudWatchMetrics: [
        {
          Namespace: namespace,
          Dimensions: [["Stack"]],
          Metrics: known.map(([Name, { unit }]) => ({ Name, Unit: unit })),
        },
      ],
    },
    Stack: stack,
    Stage: status.stage,
    ...Object.fromEntries(known.map(([name, { value }]) => [name, value])),
  });
}
