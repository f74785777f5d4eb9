import assert from "node:assert/strict";
import { type Connection, createConnection } from "mysql2/promise";
import { askingBy } from "../../../app/migration/binlog/server.ts";
import { preflight } from "../../../app/migration/preflight/preflight.ts";
import { textOf } from "../../../app/migration/preflight/problem.ts";
import { rightsProblems } from "../../../app/migration/preflight/rights.ts";
import type { Strategy } from "../../../app/migration/model.ts";
import { ensureWorkerUser } from "../../../app/migration/user.ts";
import { TestSecrets } from "../../support/test-secrets.ts";
import { BinlogServer } from "./binlog-fixture.ts";

const problemsOf = async (connection: Connection, strategy: Strategy = "bulk") =>
  (await preflight(askingBy(connection), { schema: "chirp", strategy })).map(textOf);

/** Exactly these, in any order. */
function assertProblems(found: readonly string[], expected: readonly RegExp[]): void {
  const unmet = expected.filter((pattern) => !found.some((problem) => pattern.test(problem)));
  const unexpected = found.filter((problem) => !expected.some((pattern) => pattern.test(problem)));
  assert.deepEqual({ unmet, unexpected }, { unmet: [], unexpected: [] });
}

describe("Preflight", function () {
  this.timeout(60_000);
  let server: BinlogServer;
  let admin: Connection;

  before(async () => {
    server = await BinlogServer.start();
    admin = await server.connect();
  });

  after(() => server.stop());

  it("finds nothing on a database as the service has it", async () => {
    for (const strategy of ["snapshot", "bulk", "dual-write"] as const)
      assert.deepEqual(await problemsOf(admin, strategy), []);
  });

  it("finds everything of the schema at once, each with how to put it right", async () => {
    const made = await server.connect("", "operator");
    await made.query("CREATE DATABASE broken");
    const tables = [
      "users",
      "user_counters",
      "posts",
      "post_counters",
      "follows",
      "likes",
      "control",
      "schema_migrations",
    ];
    for (const table of [...tables, "sessions"]) await made.query(`CREATE TABLE broken.${table} LIKE chirp.${table}`);
    await made.query("USE broken");
    const statements = [
      "ALTER TABLE users MODIFY bio VARCHAR(160) CHARACTER SET latin1",
      "ALTER TABLE users ADD COLUMN birthday DATE",
      "ALTER TABLE posts DROP COLUMN media",
      "ALTER TABLE posts ENGINE=MyISAM",
      "ALTER TABLE likes MODIFY created_at TIMESTAMP",
      "ALTER TABLE likes DROP PRIMARY KEY, ADD PRIMARY KEY (post_id, user_id)",
      "ALTER TABLE user_counters ADD CONSTRAINT cascading FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE",
      "ALTER TABLE follows ADD CONSTRAINT harmless FOREIGN KEY (follower_id) REFERENCES users (id)",
      "CREATE TRIGGER watching BEFORE UPDATE ON follows FOR EACH ROW SET NEW.created_at = 1",
      "ALTER TABLE sessions ADD COLUMN note LONGTEXT CHARACTER SET utf8mb4",
      "INSERT INTO sessions VALUES (1, '', 0, 0, 0, 1, REPEAT('x', 500000)), (2, '', 0, 0, 0, 1, 'short')",
      "INSERT INTO control VALUES (1, 'dynamodb', 2, 0, 1)",
      "INSERT INTO schema_migrations VALUES (1, 'service', 0)",
    ];
    for (const statement of statements) await made.query(statement);
    assertProblems(await problemsOf(made), [
      /users\.bio is varchar in latin1, .* ALTER TABLE users CONVERT TO CHARACTER SET utf8mb4/,
      /users has a column birthday.*items\.ts/,
      /posts has no column media/,
      /posts is kept by MyISAM.*ENGINE=InnoDB/,
      /likes\.created_at is timestamp/,
      /primary key of likes is \(post_id, user_id\).*\(user_id, post_id\)/,
      /cascading changes rows of user_counters.*DROP FOREIGN KEY cascading/,
      /trigger watching on follows.*DROP TRIGGER watching/,
      /sessions has a column note/,
      /1 rows of sessions have more than \d+ bytes/,
      /store of record is dynamodb/,
      /schema is at step 1, and this release maps step \d+/,
      /no table idempotency_keys/,
    ]);
  });

  it("finds what the worker's user lacks", async () => {
    const secrets = new TestSecrets(server.admin);
    const asWorker = async () => {
      const { username: user = "", password = "" } = (await secrets.read("worker")) ?? {};
      const { host, port, database } = server.address;
      return createConnection({
        host,
        port,
        user,
        password,
        database,
        bigNumberStrings: true,
        supportBigNumbers: true,
      });
    };
    for (const strategy of ["bulk", "dual-write"] as const) {
      await ensureWorkerUser(admin, { database: "chirp", strategy, secrets, secretId: "worker" });
      const worker = await asWorker();
      assert.deepEqual(await problemsOf(worker, strategy), []);
      const lacks =
        strategy === "bulk"
          ? [/may not UPDATE on `chirp`\.outbox.*GRANT UPDATE/, /may not DELETE on `chirp`\.outbox/]
          : [/may not REPLICATION SLAVE on \*\.\*/, /may not REPLICATION CLIENT on \*\.\*/];
      assertProblems(await rightsOnly(worker, strategy === "bulk" ? "dual-write" : "bulk"), lacks);
      await assert.rejects(worker.query("UPDATE posts SET text = ''"), { code: "ER_TABLEACCESS_DENIED_ERROR" });
      await worker.end();
    }
  });
});

/** Without the right to see the binlog's settings, the rest of the preflight fails. */
async function rightsOnly(connection: Connection, strategy: Strategy): Promise<string[]> {
  return (await rightsProblems(askingBy(connection), "chirp", strategy)).map(textOf);
}

describe("Preflight of a server that is not set up for it", function () {
  this.timeout(60_000);

  it("finds everything at once", async () => {
    const server = await BinlogServer.start({
      binlog_format: "MIXED",
      binlog_row_image: "NOBLOB",
      binlog_row_metadata: "MINIMAL",
      log_bin_compress: "ON",
      binlog_ignore_db: "chirp",
      expire_logs_days: "0.5",
    });
    try {
      assertProblems(await problemsOf(await server.connect()), [
        /binlog_format is MIXED.*binlog_format=ROW/,
        /binlog_row_image is NOBLOB.*binlog_row_image=FULL/,
        /binlog_row_metadata is MINIMAL/,
        /log_bin_compress is ON/,
        /chirp is left out of the binlog/,
        /kept for 12 h only.*binlog retention hours/,
      ]);
      assert.deepEqual(await problemsOf(await server.connect(), "dual-write"), []);
    } finally {
      await server.stop();
    }
  });

  it("says that there is no binlog", async () => {
    const server = await BinlogServer.start({ "skip-log-bin": "" });
    try {
      assertProblems(await problemsOf(await server.connect()), [/log_bin is OFF.*automated backups/]);
    } finally {
      await server.stop();
    }
  });
});
