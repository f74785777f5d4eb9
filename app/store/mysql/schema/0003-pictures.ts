import type { Migration } from "../migrate.ts";

/**
 * Pictures of posts. They are part of the post's versioned row, as the text that `writePictures` gives: TEXT instead of
 * JSON, which MariaDB and MySQL keep differently and a binlog reader would see differently.
 *
 * `picture_removals` is this database's servers' own to-do list, like the worker numbers: it does not migrate. The app's
 * user can't delete rows, so what is done is marked done.
 */
export const pictures: Migration = {
  number: 3,
  name: "pictures",
  statements: [
    // MySQL has no ADD COLUMN IF NOT EXISTS.
    `SET @step = IF(
      EXISTS (SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'posts' AND column_name = 'media'),
      'DO 0',
      'ALTER TABLE posts ADD COLUMN media TEXT NULL')`,
    "PREPARE step FROM @step",
    "EXECUTE step",
    "DEALLOCATE PREPARE step",
    `CREATE TABLE IF NOT EXISTS picture_removals (
      post_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
      object_keys TEXT NOT NULL,
      done TINYINT UNSIGNED NOT NULL DEFAULT 0,
      KEY to_do (done, post_id)
    ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  ],
};
