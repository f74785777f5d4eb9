import assert from "node:assert/strict";
import type { Connection, RowDataPacket } from "mysql2/promise";
import { beginMigration, endMigration, PreflightFailed } from "../../../app/migration/begin.ts";
import { Position } from "../../../app/migration/binlog/position.ts";
import { openJournal, type OpenJournal } from "../../../app/migration/journal.ts";
import type { Strategy } from "../../../app/migration/model.ts";
import { openSource } from "../../../app/migration/source.ts";
import { lockWait } from "../../support/lock-wait.ts";
import { type TestTable, testTable } from "../../support/test-dynamo.ts";
import { TestSecrets } from "../../support/test-secrets.ts";
import { BinlogServer, silent } from "./binlog-fixture.ts";

describe("The beginning of a migration", function () {
  this.timeout(60_000);
  let server: BinlogServer;
  let admin: Connection;
  let made: TestTable;
  let journal: OpenJournal;
  let secrets: TestSecrets;

  before(async () => {
    server = await BinlogServer.start();
    admin = await server.connect();
    made = await testTable();
    journal = openJournal({ client: made.client, tableName: made.table.name });
    secrets = new TestSecrets(server.admin);
  });

  after(() => server.stop());

  const begin = (run: number, strategy: Strategy) =>
    beginMigration({ admin, database: "chirp", secrets, workerSecret: "worker", journal, run, strategy, log: silent });

  const outbox = async () => {
    const [[row]] = await admin.query<RowDataPacket[]>("SELECT outbox FROM control");
    return Number(row?.outbox);
  };

  it("records where changes are read from, once", async () => {
    const before = await server.position();
    const begun = await begin(1, "snapshot");
    const position = Position.parse(begun.position);
    assert.ok(position.compare(before) >= 0);
    assert.equal(begun.serverId, before.server);
    assert.equal(begun.retentionHours, 168);
    await admin.query("INSERT INTO post_counters VALUES (1, 1, 1)");
    assert.deepEqual(await begin(1, "snapshot"), begun);
    assert.deepEqual(await journal.begun(1), begun);
    await assert.rejects(begin(1, "bulk"), /has begun with snapshot/);
    const next = await begin(2, "bulk");
    assert.ok(Position.parse(next.position).compare(position) > 0);
    assert.equal(await outbox(), 0);
  });

  it("makes the user that the worker reads as", async () => {
    await begin(3, "snapshot");
    const credentials = await secrets.read("worker");
    assert.equal(credentials?.username, "chirp_migration");
    const source = openSource({ address: server.address, credentials: async () => credentials as never });
    assert.equal((await source.rows("SELECT 1 FROM workers LIMIT ?", [1])).length, 1);
    await assert.rejects(source.rows("DELETE FROM workers"), { code: "ER_TABLEACCESS_DENIED_ERROR" });
    await source.close();
  });

  it("with dual writing returns when the last write without the outbox has ended", async () => {
    const writer = await server.connect();
    await writer.query("START TRANSACTION");
    await writer.query("SELECT outbox FROM control WHERE id = 1 LOCK IN SHARE MODE");
    const begun = begin(4, "dual-write");
    let hasBegun = false;
    void begun.then(() => (hasBegun = true));
    try {
      await lockWait(await server.connect(), "the switch waits for the open write");
      assert.equal(hasBegun, false);
    } finally {
      await writer.query("COMMIT");
    }
    assert.equal((await begun).position, null);
    assert.equal(await outbox(), 1);
    await endMigration(admin);
    await endMigration(admin);
    assert.equal(await outbox(), 0);
  });

  it("switches off the outbox of a run that was given up before it was ended", async () => {
    await begin(20, "dual-write");
    assert.equal(await outbox(), 1);
    await begin(21, "bulk");
    assert.equal(await outbox(), 0);
  });

  it("changes nothing when something stands in the way, and says all of it", async () => {
    await admin.query("ALTER TABLE users ADD COLUMN birthday DATE, ADD COLUMN height INT");
    try {
      await assert.rejects(begin(5, "dual-write"), (error) => {
        assert.ok(error instanceof PreflightFailed);
        assert.equal(error.problems.length, 2);
        assert.match(error.message, /birthday[\s\S]*height/);
        return true;
      });
      assert.equal(await journal.begun(5), undefined);
      assert.equal(await outbox(), 0);
    } finally {
      await admin.query("ALTER TABLE users DROP COLUMN birthday, DROP COLUMN height");
    }
  });
});
