import { workerCount } from "../../../domain/snowflake.ts";
import type { Migration } from "../migrate.ts";

const numbers = Array.from({ length: workerCount }, (_, number) => `(${number}, '', 0)`).join(",");

/** Snowflake worker numbers. `until_ms` is the last millisecond that the latest holder may put into an id. */
export const workers: Migration = {
  number: 2,
  name: "workers",
  statements: [
    `CREATE TABLE IF NOT EXISTS workers (
      number SMALLINT UNSIGNED NOT NULL PRIMARY KEY,
      holder VARCHAR(100) NOT NULL,
      until_ms BIGINT UNSIGNED NOT NULL
    ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
    `INSERT IGNORE INTO workers (number, holder, until_ms) VALUES ${numbers}`,
  ],
};
