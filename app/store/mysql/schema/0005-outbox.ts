import type { Migration } from "../migrate.ts";

/**
 * What dual writing has still to do: a row here names the rows that one transaction changed, and is written by that same
 * transaction while the control row says so. It has no content of theirs: whoever applies them reads them as they are
 * then. It does not migrate.
 *
 * `due_at` is a lease: before that time somebody is at it. `state` is one of `states` in ../outbox.ts: the app's user can't
 * delete rows, so what a server has done is marked done, and the batch writer deletes it.
 */
export const outbox: Migration = {
  number: 5,
  name: "outbox",
  statements: [
    `CREATE TABLE IF NOT EXISTS outbox (
      id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
      changed TEXT NOT NULL,
      written_at BIGINT UNSIGNED NOT NULL,
      due_at BIGINT UNSIGNED NOT NULL,
      attempts INT UNSIGNED NOT NULL DEFAULT 0,
      state TINYINT UNSIGNED NOT NULL DEFAULT 0,
      KEY to_do (state, due_at)
    ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  ],
};
