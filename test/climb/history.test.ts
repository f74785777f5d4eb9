import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Connection, RowDataPacket } from "mysql2/promise";
import { makeHistory } from "../../climb/history/history.ts";
import { insertHistory } from "../../climb/history/insert.ts";
import { password } from "../../climb/traffic/person.ts";
import { Passwords } from "../../app/domain/passwords.ts";
import { snowflakeEpoch } from "../../app/domain/snowflake.ts";
import { firstVersion } from "../../app/domain/version.ts";
import { itemsOf, readRow } from "../../app/store/dynamodb/mapping.ts";
import { migrate } from "../../app/store/mysql/migrate.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type TestDatabase, testDatabase } from "../support/test-database.ts";

describe("history", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  let database: TestDatabase;
  let admin: Connection;
  let files = 0;

  beforeEach(async () => {
    database = await testDatabase();
    admin = await database.connect();
    await migrate(admin);
  });

  const insert = (scale: number, file = join(folder, String(++files))) => {
    const { host, port, database: name } = database.address;
    const { username: user, password: secret } = database.admin;
    return insertHistory({ database: { host, port, user, password: secret, database: name }, scale, file });
  };
  const query = async (sql: string) => (await admin.query<RowDataPacket[]>(sql))[0];
  const count = async (table: string, condition = "deleted = 0") =>
    Number((await query(`SELECT COUNT(*) AS n FROM ${table} WHERE ${condition}`))[0]?.n);

  it("has as many users, posts, follows and likes as it says, and some that were taken back", async () => {
    await insert(1);
    const counts = [await count("users"), await count("posts"), await count("follows"), await count("likes")];
    assert.deepEqual(counts, [2000, 20_000, 20_000, 20_000]);
    for (const table of ["posts", "follows", "likes"]) assert.equal(await count(table, "deleted = 1"), 1000);
    assert.equal(await count("sessions"), 0);
  });

  it("has counters equal to what they count, and versions as if every change had been made one by one", async () => {
    await insert(0.1);
    const differences = {
      posts: `SELECT user_id FROM user_counters u WHERE posts <>
        (SELECT COUNT(*) FROM posts WHERE author_id = u.user_id AND deleted = 0)`,
      followers: `SELECT user_id FROM user_counters u WHERE followers <>
        (SELECT COUNT(*) FROM follows WHERE followee_id = u.user_id AND deleted = 0)`,
      following: `SELECT user_id FROM user_counters u WHERE following <>
        (SELECT COUNT(*) FROM follows WHERE follower_id = u.user_id AND deleted = 0)`,
      likes: `SELECT post_id FROM post_counters c WHERE likes <>
        (SELECT COUNT(*) FROM likes WHERE post_id = c.post_id AND deleted = 0)`,
      uncounted: `SELECT p.id FROM posts p LEFT JOIN post_counters c ON c.post_id = p.id WHERE c.post_id IS NULL`,
    };
    for (const [what, sql] of Object.entries(differences)) assert.deepEqual(await query(sql), [], what);
    const first = firstVersion(1n);
    for (const table of ["users", "posts", "follows", "likes"])
      assert.equal(await count(table, `version <> ${first} + deleted`), 0, table);
    const changed = `SELECT user_id FROM user_counters u WHERE version <> ${first} +
      (SELECT COUNT(*) + SUM(deleted) FROM (SELECT author_id AS id, deleted FROM posts UNION ALL
        SELECT follower_id, deleted FROM follows UNION ALL SELECT followee_id, deleted FROM follows) c WHERE c.id = u.user_id)
      AND EXISTS (SELECT 1 FROM posts WHERE author_id = u.user_id)`;
    assert.deepEqual(await query(changed), []);
  });

  it("is of the past: ids made in order, within their time, and people who can sign in", async () => {
    await insert(0.1);
    const users = await query("SELECT id, created_at, password_hash FROM users ORDER BY id");
    for (const { id, created_at } of users)
      assert.equal(Number(BigInt(id) >> 22n) + snowflakeEpoch, Number(created_at) / 1000);
    assert.ok(users.every(({ created_at }) => Number(created_at) / 1000 < Date.now()));
    assert.ok(await new Passwords().verify(password, users[0]?.password_hash));
    const early = `SELECT p.id FROM posts p JOIN users u ON u.id = p.author_id WHERE p.created_at < u.created_at`;
    assert.deepEqual(await query(early), []);
  });

  it("is made once, and what was interrupted is completed by what it began with", async () => {
    const file = join(folder, "interrupted");
    await insert(0.1, file);
    const whole = await query("SELECT * FROM likes ORDER BY user_id, post_id");
    assert.equal(await insert(0.5, file), 0);

    await admin.query("DELETE FROM likes WHERE user_id % 3 = 0");
    await admin.query("UPDATE users SET bio = 'changed since' LIMIT 5");
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), complete: false }));
    await insert(0, file);
    assert.deepEqual(await query("SELECT * FROM likes ORDER BY user_id, post_id"), whole);
    assert.equal(await count("users", "bio = 'changed since'"), 5);
  });

  it("goes to the outbox too where writes do, and nowhere without being asked for", async () => {
    assert.equal(await insert(0), 0);
    assert.equal(await count("users"), 0);
    await admin.query("UPDATE control SET outbox = 1");
    await insert(0.05);
    const entries = await query("SELECT changed FROM outbox");
    const named = new Set(entries.flatMap(({ changed }) => JSON.parse(changed) as string[]));
    let rows = 0;
    for (const table of ["users", "user_counters", "posts", "post_counters", "follows", "likes"])
      rows += await count(table, "1");
    assert.equal(named.size, rows);
    await admin.query("UPDATE control SET record = 'dynamodb'");
    await assert.rejects(insert(0.05), /belongs into MySQL, and the record is dynamodb/);
  });

  it("is the same for the same seed, and every row becomes items", () => {
    const options = { scale: 0.05, passwordHash: "scrypt$", first: firstVersion(1n) };
    const made = makeHistory(options);
    assert.deepEqual(makeHistory(options), made);
    assert.notDeepEqual(makeHistory({ ...options, seed: 2 }), made);
    for (const { table, columns, rows } of made)
      for (const row of rows) {
        const raw = Object.fromEntries(columns.map((column, at) => [column, row[at]]));
        itemsOf(table, readRow(table, table === "posts" ? { media: null, ...raw } : raw));
      }
  });
});
