import assert from "node:assert/strict";
import { metricsLine } from "../../../app/migration/metrics.ts";
import type { MigrationStatus } from "../../../app/migration/model.ts";
import { readyStatus } from "../../app/migration/statuses.ts";
import { migration, strategies } from "../../support/migration.ts";
import type { Run } from "../../support/program.ts";

const alarms = (run: Run) => run.of("aws:cloudwatch/metricAlarm:MetricAlarm");

const statusOf = (strategy: (typeof strategies)[number]): MigrationStatus =>
  strategy === "dual-write"
    ? { ...readyStatus, strategy, binlog: null, retention: null, outbox: { waiting: 0, oldestSeconds: 0 } }
    : { ...readyStatus, strategy };

describe("the alarms of a migration", () => {
  for (const strategy of strategies)
    it(`go by metrics that the worker really writes: ${strategy}`, async () => {
      const line = JSON.parse(metricsLine(statusOf(strategy), "dev", 0));
      const [{ Namespace, Dimensions, Metrics }] = line._aws.CloudWatchMetrics;
      const written = Metrics.map(({ Name }: { Name: string }) => Name);
      const found = alarms(await migration(strategy));
      for (const { inputs } of found) {
        assert.equal(inputs.namespace, Namespace);
        assert.deepEqual(Object.keys(inputs.dimensions as object), Dimensions[0]);
        assert.deepEqual(inputs.dimensions, { Stack: line.Stack });
        assert.ok(written.includes(inputs.metricName), String(inputs.metricName));
      }
      assert.deepEqual(
        found.map(({ inputs }) => inputs.metricName),
        [
          "DeadLetters",
          "Problems",
          "Differences",
          ...(strategy === "dual-write"
            ? ["OutboxWaiting", "OutboxOldestSeconds"]
            : ["LagSeconds", "RetentionSecondsLeft"]),
        ],
      );
    });

  it("ring when the worker says nothing, and are made when it is there", async () => {
    for (const { inputs, dependencies } of alarms(await migration("snapshot"))) {
      assert.equal(inputs.treatMissingData, "breaching");
      assert.match(dependencies.join(" "), /autoscaling\/group:Group::chirp-worker/);
    }
  });

  it("warn two days before the binlog expires, and of nothing else below a threshold", async () => {
    const below = alarms(await migration("snapshot")).filter(
      ({ inputs }) => inputs.comparisonOperator === "LessThanThreshold",
    );
    assert.deepEqual(
      below.map(({ inputs }) => [inputs.metricName, inputs.threshold]),
      [["RetentionSecondsLeft", 172_800]],
    );
  });
});
