import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import type { Outcome } from "../../local/provider/operations.ts";
import { temporaryFolder } from "../support/folder.ts";
import { TestAws } from "../support/local-aws.ts";
import { until } from "../support/wait.ts";

const instanceType = "aws:rds/instance:Instance";
const snapshotType = "aws:rds/snapshot:Snapshot";
const copyInputs = {
  engine: "mysql",
  instanceClass: "db.t4g.micro",
  backupRetentionPeriod: 0,
  skipFinalSnapshot: true,
  applyImmediately: true,
};

describe("RDS snapshot", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const connections: Connection[] = [];
  let test: TestAws;
  let primary: Outcome;
  let snapshot: Outcome;
  let copy: Outcome;

  before(async () => {
    test = await TestAws.start(folder);
    primary = await test.create(instanceType, "database", {
      ...copyInputs,
      backupRetentionPeriod: 7,
      allocatedStorage: 20,
      dbName: "chirp",
      username: "admin",
      manageMasterUserPassword: true,
    });
    await fill();
  });
  after(async () => {
    for (const connection of connections) connection.destroy();
    await test.stop();
  });

  const open = async (instance: Outcome, login?: { user: string; password: string }) => {
    const found = test.aws.databases.describe().find(({ id }) => id === instance.id) ?? assert.fail("it does not run");
    const { host, port, adminUser, adminPassword } = found;
    const who = login ?? { user: adminUser, password: adminPassword };
    const strings = { supportBigNumbers: true, bigNumberStrings: true, dateStrings: true, timezone: "Z" } as const;
    const connection = await createConnection({ host, port, ...who, database: "chirp", ...strings });
    connections.push(connection);
    return connection;
  };
  const rows = async (connection: Connection, sql: string) => (await connection.query<RowDataPacket[]>(sql))[0];
  const take = (name: string, identifier = `${name}-id`) =>
    test.create(snapshotType, name, {
      dbInstanceIdentifier: primary.outputs.identifier,
      dbSnapshotIdentifier: identifier,
    });

  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

  async function fill(): Promise<void> {
    const admin = await open(primary);
    await admin.query("SET sql_mode = ''");
    await admin.query(`CREATE TABLE odd (
      id BIGINT UNSIGNED NOT NULL, hash BINARY(32), bytes VARBINARY(300), text VARCHAR(100), note TEXT,
      at DATETIME(6), stamp TIMESTAMP(6) NULL, number DOUBLE, small FLOAT, price DECIMAL(30,10), doc JSON,
      twice BIGINT UNSIGNED AS (id * 2) STORED, PRIMARY KEY (id), KEY (text))`);
    const insert = "INSERT INTO odd (id, hash, bytes, text, note, at, stamp, number, small, price, doc) VALUES ?";
    const hash = Buffer.concat([randomBytes(30), Buffer.alloc(2)]);
    const doc = '{"a": "tab\\t and \\"quotes\\""}';
    await admin.query(insert, [
      [
        [
          "9223372036854775807",
          hash,
          everyByte,
          "smile 😀",
          "a\tb\nc\\d\0e'f\"g",
          "2026-01-02 03:04:05.123456",
          "2026-10-25 00:30:00.000001",
          0.1,
          0.1,
          "12345678901234567890.0123456789",
          doc,
        ],
        [
          "9007199254740993",
          Buffer.alloc(32),
          Buffer.alloc(0),
          "",
          "\\N",
          "0000-00-00 00:00:00",
          null,
          -1e300,
          3.4e38,
          "0",
          "{}",
        ],
        ["0", null, null, null, null, null, null, null, null, null, null],
      ],
    ]);
    await admin.query("CREATE TABLE parent (id BIGINT PRIMARY KEY AUTO_INCREMENT, fill VARCHAR(200) NOT NULL)");
    await admin.query(
      "CREATE TABLE child (id BIGINT PRIMARY KEY, parent BIGINT NOT NULL, FOREIGN KEY (parent) REFERENCES parent (id))",
    );
    await admin.query("INSERT INTO parent (fill) SELECT REPEAT('x', 200) FROM seq_1_to_30000");
    await admin.query("INSERT INTO child SELECT id, id FROM parent");
    await admin.query("CREATE DATABASE other CHARACTER SET latin1");
    await admin.query("CREATE TABLE other.names (name VARCHAR(20))");
    await admin.query("INSERT INTO other.names VALUES ('Zoë')");
    await admin.query("CREATE USER reader@'%' IDENTIFIED BY 'it''s secret'");
    await admin.query("GRANT SELECT ON chirp.* TO reader@'%'");
  }

  it("holds one moment, while writes go on without a stop", async () => {
    const writer = await open(primary);
    let isOver = false;
    let written = 0;
    let slowest = 0;
    const writing = (async () => {
      for (let id = 1_000_000; !isOver; id++) {
        const start = performance.now();
        await writer.beginTransaction();
        await writer.query("INSERT INTO parent VALUES (?, 'new')", [id]);
        await writer.query("INSERT INTO child VALUES (?, ?)", [id, id]);
        await writer.query("UPDATE odd SET text = ? WHERE id = 0", [`${id}`]);
        await writer.commit();
        slowest = Math.max(slowest, performance.now() - start);
        written++;
      }
    })();
    await until(() => written > 20, { describe: "writes go on" });
    const before = written;
    snapshot = await take("snapshot");
    const during = written - before;
    isOver = true;
    await writing;
    assert.ok(during > 10, `${during} transactions while the snapshot was taken`);
    assert.ok(slowest < 2000, `one waited ${slowest} ms`);
    assert.equal(snapshot.id, "snapshot-id");
    const { status, allocatedStorage, port, dbSnapshotArn } = snapshot.outputs;
    assert.deepEqual([status, allocatedStorage, port], ["available", 20, primary.outputs.port]);
    assert.equal(dbSnapshotArn, "arn:aws:rds:us-east-1:123456789012:snapshot:snapshot-id");

    copy = await test.create(instanceType, "copy", { ...copyInputs, snapshotIdentifier: snapshot.id });
    const restored = await open(copy);
    const [counts] = await rows(
      restored,
      `SELECT COUNT(*) parents, SUM(child.id IS NULL) lone, MAX(parent.id) newest, (SELECT COUNT(*) FROM child) children,
         (SELECT text FROM odd WHERE id = 0) mark FROM parent LEFT JOIN child ON child.parent = parent.id`,
    );
    assert.ok(counts);
    assert.equal(counts.lone, "0");
    assert.equal(counts.parents, counts.children);
    assert.equal(String(counts.mark), String(counts.newest), "the third table is of the same moment");
    const [now] = await rows(await open(primary), "SELECT COUNT(*) parents FROM parent");
    assert.ok(Number(counts.parents) < Number(now?.parents));
  });

  it("is exact to the byte and to the last digit, schemas and keys included", async () => {
    const [here, there] = [await open(primary), await open(copy)];
    const odd = "SELECT * FROM odd WHERE id > 0 ORDER BY id";
    const [expected, found] = [await rows(here, odd), await rows(there, odd)];
    assert.deepEqual(found, expected);
    assert.deepEqual(found[1]?.bytes, everyByte);
    assert.equal(found[1]?.id, "9223372036854775807");
    for (const table of ["odd", "parent", "child", "other.names"])
      assert.deepEqual(
        (await rows(there, `SHOW CREATE TABLE ${table}`)).map((row) => withoutCounter(row)),
        (await rows(here, `SHOW CREATE TABLE ${table}`)).map((row) => withoutCounter(row)),
      );
    assert.deepEqual(await rows(there, "SELECT HEX(name) name FROM other.names"), [{ name: "5A6FEB" }]);
    await assert.rejects(there.query("INSERT INTO child VALUES (5, 99)"), /Duplicate|foreign key/);
  });

  it("brings back users with their passwords and rights, and the master user", async () => {
    const reader = await open(copy, { user: "reader", password: "it's secret" });
    assert.equal((await rows(reader, "SELECT * FROM odd")).length, 3);
    await assert.rejects(reader.query("DELETE FROM odd"), /denied/);
    assert.deepEqual(
      [copy.outputs.username, copy.outputs.dbName, copy.outputs.allocatedStorage],
      ["admin", "chirp", 20],
    );
    assert.equal(copy.outputs.masterUserSecrets, undefined);
    assert.ok(!JSON.stringify(copy.outputs).includes(test.aws.databases.describe()[1]?.adminPassword ?? assert.fail()));
  });

  it("is restored into another server, small and without a binlog where there are no backups", async () => {
    const ids = await Promise.all(
      [primary, copy].map(
        async (instance) => (await rows(await open(instance), "SELECT @@server_id id, @@log_bin log"))[0],
      ),
    );
    assert.notEqual(ids[0]?.id, ids[1]?.id);
    assert.deepEqual([ids[0]?.log, ids[1]?.log], ["1", "0"]);
    const [original, other] = test.aws.databases.describe();
    assert.deepEqual([original?.id, original?.snapshotIdentifier], [primary.id, null]);
    assert.deepEqual([other?.id, other?.snapshotIdentifier], [copy.id, snapshot.id]);
  });

  it("leaves a copy that comes back when it is killed, and after everything was stopped", async () => {
    const count = async () => (await rows(await open(copy), "SELECT COUNT(*) n FROM parent"))[0]?.n as string;
    const before = await count();
    const { pid } = test.aws.databases.describe()[1] ?? assert.fail();
    process.kill(pid, "SIGKILL");
    await until(() => test.aws.databases.describe()[1]?.pid !== pid && test.aws.databases.describe()[1], {
      describe: "another process serves the copy",
    });
    assert.equal(await count(), before);
    const ports = test.aws.databases.describe().map(({ port }) => port);
    await test.stop();
    test = await TestAws.start(folder);
    assert.deepEqual(
      test.aws.databases.describe().map(({ port }) => port),
      ports,
    );
    assert.equal(await count(), before);
  });

  it("is restored from the beginning when that was interrupted", async () => {
    await test.stop();
    rmSync(join(folder, "databases", copy.id, "snapshot.json"));
    test = await TestAws.start(folder);
    assert.equal(test.aws.databases.describe().length, 1, "half a copy is not served");
    const record = test.aws.registry.byId(instanceType, copy.id) ?? assert.fail();
    record.known = false;
    const again = await test.create(instanceType, "copy", { ...copyInputs, snapshotIdentifier: snapshot.id });
    assert.deepEqual([again.id, again.outputs.port], [copy.id, copy.outputs.port]);
    assert.equal((await rows(await open(copy), "SELECT * FROM odd")).length, 3);
  });

  it("keeps names apart, and says what is not there", async () => {
    await assert.rejects(take("again", "snapshot-id"), /DBSnapshotAlreadyExists: .*snapshot-id already exists/);
    await assert.rejects(
      test.create(snapshotType, "nobody", { dbInstanceIdentifier: "nobody", dbSnapshotIdentifier: "n" }),
      /DBInstanceNotFound: DBInstance nobody not found/,
    );
    const lost = { ...copyInputs, snapshotIdentifier: "lost" };
    await assert.rejects(test.create(instanceType, "lost", lost), /DBSnapshotNotFound: DBSnapshot not found: lost/);
    assert.throws(() => test.check(instanceType, "named", { ...lost, dbName: "x" }), /dbName: comes with the snapshot/);
  });

  it("refuses to leave something out", async () => {
    const admin = await open(primary);
    await admin.query("CREATE TABLE old (id INT) ENGINE=Aria");
    await admin.query("CREATE VIEW seen AS SELECT id FROM parent");
    await assert.rejects(
      take("partial"),
      /hold InnoDB tables and users only, not base table chirp.old, view chirp.seen/,
    );
    assert.equal(existsSync(join(folder, "snapshots/partial-id")), false);
    await admin.query("DROP TABLE old");
    await admin.query("DROP VIEW seen");
  });

  it("has a managed password of its own where that is asked for, and can be a final one", async () => {
    const inputs = { ...copyInputs, skipFinalSnapshot: false, finalSnapshotIdentifier: "final" };
    const managed = { ...inputs, snapshotIdentifier: snapshot.id, manageMasterUserPassword: true };
    const second = await test.create(instanceType, "second", managed);
    const [secret] = second.outputs.masterUserSecrets as { secretArn: string }[];
    const login = JSON.parse(test.aws.secrets.get(String(secret?.secretArn)).value) as {
      username: string;
      password: string;
    };
    await (
      await open(second, { user: login.username, password: login.password })
    ).query("DELETE FROM odd WHERE id = 0");
    await test.delete(instanceType, "second", second);
    const third = await test.create(instanceType, "third", { ...copyInputs, snapshotIdentifier: "final" });
    assert.equal((await rows(await open(third), "SELECT * FROM odd")).length, 2);
    await test.delete(instanceType, "third", third);
  });

  it("goes, and so does the copy, which needs it no longer", async () => {
    await test.delete(snapshotType, "snapshot", snapshot);
    assert.equal(test.operations.read(snapshotType, snapshot.id, test.urn(snapshotType, "snapshot")), undefined);
    assert.equal((await rows(await open(copy), "SELECT * FROM odd")).length, 3);
    await test.delete(instanceType, "copy", copy);
    assert.equal(existsSync(join(folder, "databases", copy.id)), false);
    await take("snapshot");
  });
});

/** How far a table has counted is not a part of what it holds. */
function withoutCounter(row: RowDataPacket): Record<string, unknown> {
  return { ...row, "Create Table": String(row["Create Table"]).replace(/ AUTO_INCREMENT=\d+/, "") };
}
