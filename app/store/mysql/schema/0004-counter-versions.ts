import type { Migration } from "../migrate.ts";

/**
 * Versions of counters. A counter is counted in the transaction of what it counts, by the store of record alone; with a
 * version of its own, every applier can carry it to the other store like any row, late, twice or out of order.
 */
const addVersion = (table: string) => [
  // MySQL has no ADD COLUMN IF NOT EXISTS.
  `SET @step = IF(
    EXISTS (SELECT 1 FROM information_schema.columns
      WHERE table_schema = DATABASE() AND table_name = '${table}' AND column_name = 'version'),
    'DO 0',
    'ALTER TABLE ${table} ADD COLUMN version BIGINT UNSIGNED NOT NULL DEFAULT 0')`,
  "PREPARE step FROM @step",
  "EXECUTE step",
  "DEALLOCATE PREPARE step",
];

export const counterVersions: Migration = {
  number: 4,
  name: "counter versions",
  statements: [...addVersion("user_counters"), ...addVersion("post_counters")],
};
