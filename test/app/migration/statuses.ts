import { type MigrationStatus } from "../../../app/migration/model.ts";
import { noDifferences, notVerified } from "../../../app/migration/work/director.ts";

/** A status to show: a backfill under way, with these differences from it. */
export function aStatus(changes: Partial<MigrationStatus> = {}): MigrationStatus {
  return {
    run: 1,
    strategy: "snapshot",
    stage: "backfill",
    step: "backfill",
    paused: false,
    begunAt: "2026-01-02T03:04:05.000Z",
    updatedAt: "2026-01-02T03:14:05.000Z",
    fence: 3,
    backfill: { rows: 12_345, rowsTotal: 60_000, items: 23_456, itemsPerSecond: 2100, etaSeconds: 23 },
    binlog: null,
    outbox: null,
    verification: notVerified,
    deadLetters: 0,
    retention: { hours: 168, expiresInSeconds: 604_200, level: "ok" },
    problem: null,
    ...changes,
  };
}

/** A migration in which everything is equal and nothing waits. */
export const readyStatus = aStatus({
  stage: "ready",
  step: "ready",
  backfill: { rows: 60_000, rowsTotal: 60_000, items: 110_000, itemsPerSecond: 12, etaSeconds: null },
  binlog: {
    position: "mysql-bin.000003:123456",
    rows: 4321,
    rowsPerSecond: 210,
    lagSeconds: 0.4,
    lagBytes: 12_000,
    etaSeconds: 0,
  },
  verification: {
    rows: 60_100,
    rowsTotal: 60_000,
    items: 110_000,
    itemsTotal: 110_000,
    startedAt: "2026-01-02T03:10:05.000Z",
    finishedAt: "2026-01-02T03:12:05.000Z",
    differences: noDifferences,
    miscounted: 0,
  },
});
