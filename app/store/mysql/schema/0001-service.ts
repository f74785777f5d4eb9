import { firstVersion } from "../../../domain/version.ts";
import type { Migration } from "../migrate.ts";

/**
 * The service's tables. Rows that migrate carry `version` and `deleted` (counters only a version, from step 4 on); what
 * only this database's servers need among themselves (attempts, worker numbers) doesn't.
 *
 * Times are BIGINT microseconds in UTC: no time zone, no rounding on the way through the binlog.
 */
const options = "ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";

const firstEpoch = 1n;

export const service: Migration = {
  number: 1,
  name: "service",
  statements: [
    // Which store is the record, since which epoch, and whether writes also go to an outbox. One row, read first and
    // with a shared lock by every write: changing it waits for them all and stops whoever comes after.
    `CREATE TABLE IF NOT EXISTS control (
      id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
      record VARCHAR(20) NOT NULL,
      epoch INT UNSIGNED NOT NULL,
      outbox TINYINT UNSIGNED NOT NULL,
      version BIGINT UNSIGNED NOT NULL
    ) ${options}`,
    `INSERT IGNORE INTO control (id, record, epoch, outbox, version)
      VALUES (1, 'mysql', ${firstEpoch}, 0, ${firstVersion(firstEpoch)})`,
    // name_key is binary: equality of names is equality of bytes in every store.
    `CREATE TABLE IF NOT EXISTS users (
      id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
      name VARCHAR(30) NOT NULL,
      name_key VARBINARY(30) NOT NULL,
      display_name VARCHAR(50) NOT NULL,
      bio VARCHAR(160) NOT NULL,
      password_hash VARCHAR(200) NOT NULL,
      created_at BIGINT UNSIGNED NOT NULL,
      deleted TINYINT UNSIGNED NOT NULL DEFAULT 0,
      version BIGINT UNSIGNED NOT NULL,
      UNIQUE KEY by_name (name_key)
    ) ${options}`,
    `CREATE TABLE IF NOT EXISTS user_counters (
      user_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
      posts INT UNSIGNED NOT NULL DEFAULT 0,
      followers INT UNSIGNED NOT NULL DEFAULT 0,
      following INT UNSIGNED NOT NULL DEFAULT 0
    ) ${options}`,
    // by_author serves user timelines and, author by author, home timelines without reading deleted posts.
    `CREATE TABLE IF NOT EXISTS posts (
      id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
      author_id BIGINT UNSIGNED NOT NULL,
      text VARCHAR(280) NOT NULL,
      created_at BIGINT UNSIGNED NOT NULL,
      deleted TINYINT UNSIGNED NOT NULL DEFAULT 0,
      version BIGINT UNSIGNED NOT NULL,
      KEY by_author (author_id, deleted, id)
    ) ${options}`,
    `CREATE TABLE IF NOT EXISTS post_counters (
      post_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
      likes INT UNSIGNED NOT NULL DEFAULT 0
    ) ${options}`,
    `CREATE TABLE IF NOT EXISTS follows (
      follower_id BIGINT UNSIGNED NOT NULL,
      followee_id BIGINT UNSIGNED NOT NULL,
      created_at BIGINT UNSIGNED NOT NULL,
      deleted TINYINT UNSIGNED NOT NULL DEFAULT 0,
      version BIGINT UNSIGNED NOT NULL,
      PRIMARY KEY (follower_id, followee_id),
      KEY by_followee (followee_id, follower_id)
    ) ${options}`,
    `CREATE TABLE IF NOT EXISTS likes (
      user_id BIGINT UNSIGNED NOT NULL,
      post_id BIGINT UNSIGNED NOT NULL,
      created_at BIGINT UNSIGNED NOT NULL,
      deleted TINYINT UNSIGNED NOT NULL DEFAULT 0,
      version BIGINT UNSIGNED NOT NULL,
      PRIMARY KEY (user_id, post_id),
      KEY by_post (post_id, user_id)
    ) ${options}`,
    `CREATE TABLE IF NOT EXISTS sessions (
      user_id BIGINT UNSIGNED NOT NULL,
      token_hash BINARY(32) NOT NULL,
      created_at BIGINT UNSIGNED NOT NULL,
      expires_at BIGINT UNSIGNED NOT NULL,
      deleted TINYINT UNSIGNED NOT NULL DEFAULT 0,
      version BIGINT UNSIGNED NOT NULL,
      PRIMARY KEY (user_id, token_hash)
    ) ${options}`,
    `CREATE TABLE IF NOT EXISTS idempotency_keys (
      user_id BIGINT UNSIGNED NOT NULL,
      key_hash BINARY(32) NOT NULL,
      kind VARCHAR(20) NOT NULL,
      fingerprint BINARY(32) NOT NULL,
      result_id BIGINT UNSIGNED NOT NULL,
      created_at BIGINT UNSIGNED NOT NULL,
      deleted TINYINT UNSIGNED NOT NULL DEFAULT 0,
      version BIGINT UNSIGNED NOT NULL,
      PRIMARY KEY (user_id, key_hash)
    ) ${options}`,
    `CREATE TABLE IF NOT EXISTS login_attempts (
      subject BINARY(32) NOT NULL PRIMARY KEY,
      attempts INT UNSIGNED NOT NULL,
      started_at BIGINT UNSIGNED NOT NULL
    ) ${options}`,
  ],
};
