import assert from "node:assert/strict";
import { inspect } from "node:util";
import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { ensureAppUser } from "../../../app/store/mysql/app-user.ts";
import { withLock } from "../../../app/store/mysql/login.ts";
import { type Migration, migrate, migrations } from "../../../app/store/mysql/migrate.ts";
import { openMysql } from "../../../app/store/mysql/open.ts";
import { type SecretsManager, startSecretsManager } from "../../support/secrets-manager.ts";
import { type ServerProcess, startServerProcess } from "../../support/server-process.ts";
import { testDatabase } from "../../support/test-database.ts";
import { until } from "../../support/wait.ts";
import { TestSecrets } from "../../support/test-secrets.ts";

describe("The schema", function () {
  this.timeout(60_000);

  async function definition(connection: Connection): Promise<Record<string, string>> {
    const [tables] = await connection.query<RowDataPacket[]>(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name",
    );
    const definitions: Record<string, string> = {};
    for (const { name } of tables) {
      const [[table]] = await connection.query<RowDataPacket[]>(`SHOW CREATE TABLE ${name}`);
      definitions[name] = table?.["Create Table"];
    }
    return definitions;
  }

  it("has steps numbered from 1 without a gap", () => {
    assert.deepEqual(
      migrations.map(({ number }) => number),
      migrations.map((_, index) => index + 1),
    );
  });

  it("is made once, and left alone afterwards, also by servers older than it", async () => {
    const connection = await (await testDatabase()).connect();
    assert.deepEqual(
      await migrate(connection),
      migrations.map(({ number }) => number),
    );
    const made = await definition(connection);
    assert.deepEqual(await migrate(connection), []);
    const newer: Migration = {
      number: migrations.length + 1,
      name: "newer",
      statements: ["CREATE TABLE IF NOT EXISTS newer (id INT PRIMARY KEY)"],
    };
    assert.deepEqual(await migrate(connection, [...migrations, newer]), [newer.number]);
    assert.deepEqual(await migrate(connection), []);
    assert.deepEqual(Object.keys(await definition(connection)).sort(), [...Object.keys(made), "newer"].sort());
  });

  it("is completed when its making was cut short after any statement", async () => {
    const whole = await (await testDatabase()).connect();
    await migrate(whole);
    const expected = await definition(whole);
    const statements = migrations.flatMap((step) => step.statements);
    for (const cut of [1, 3, statements.length - 1]) {
      const connection = await (await testDatabase()).connect();
      for (const statement of statements.slice(0, cut)) await connection.query(statement);
      await migrate(connection);
      assert.deepEqual(await definition(connection), expected, `cut after ${cut} statements`);
    }
  });

  it("has the columns and collations that migration to another store needs", async () => {
    const connection = await (await testDatabase()).connect();
    await migrate(connection);
    const [columns] = await connection.query<RowDataPacket[]>(
      `SELECT table_name AS t, column_name AS c, column_type AS type, collation_name AS collation
       FROM information_schema.columns WHERE table_schema = DATABASE()`,
    );
    for (const { t, c, collation } of columns)
      if (collation !== null) assert.equal(collation, "utf8mb4_bin", `${t}.${c}`);
    for (const table of ["users", "posts", "follows", "likes", "sessions", "idempotency_keys"]) {
      const version = columns.find(({ t, c }) => t === table && c === "version");
      assert.match(version?.type, /^bigint(\(20\))? unsigned$/, table);
      assert.ok(
        columns.some(({ t, c }) => t === table && c === "deleted"),
        table,
      );
    }
  });

  it("is changed by one server at a time", async () => {
    const database = await testDatabase();
    const [first, second] = [await database.connect(), await database.connect()];
    const order: string[] = [];
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const holding = withLock(first, "lock", 5, async () => {
      order.push("first in");
      await held;
      order.push("first out");
    });
    await until(() => order.length, { describe: "the lock is held" });
    const impatient = withLock(second, "lock", 0, async () => {});
    await assert.rejects(impatient, /was not free within 0 s/);
    const waiting = withLock(second, "lock", 10, async () => void order.push("second in"));
    release();
    await Promise.all([holding, waiting]);
    assert.deepEqual(order, ["first in", "first out", "second in"]);
  });
});

describe("Ten servers that start at once on an empty database", function () {
  this.timeout(120_000);
  const servers: ServerProcess[] = [];
  let secrets: SecretsManager;

  after(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await secrets?.stop();
  });

  it("make one schema and one user, and all become ready with worker numbers of their own", async () => {
    const database = await testDatabase();
    secrets = await startSecretsManager({ admin: JSON.stringify(database.admin), app: "" });
    const options = { database: database.address, secretsEndpoint: secrets.endpoint };
    servers.push(...(await Promise.all(Array.from({ length: 10 }, () => startServerProcess(options)))));
    await Promise.all(servers.map((server) => server.ready()));
    const admin = await database.connect();
    const [applied] = await admin.query<RowDataPacket[]>("SELECT number FROM schema_migrations ORDER BY number");
    assert.deepEqual(
      applied.map(({ number }) => number),
      migrations.map(({ number }) => number),
    );
    assert.equal(secrets.writes.length, 1);
    const [holders] = await admin.query<RowDataPacket[]>("SELECT number FROM workers WHERE holder <> ''");
    assert.equal(holders.length, 10);
    for (const server of servers) assert.doesNotMatch(server.log(), /cannot be opened/);
  });
});

describe("The servers' database user", function () {
  this.timeout(60_000);

  async function grants(connection: Connection): Promise<string[]> {
    const [rows] = await connection.query<RowDataPacket[]>("SHOW GRANTS FOR 'chirp_app'@'%'");
    return rows.map((row) => String(Object.values(row)[0]).replace(/ IDENTIFIED BY.*/, ""));
  }

  it("gets a password of its own, kept in its secret, and the least rights", async () => {
    const database = await testDatabase();
    const connection = await database.connect();
    const secrets = new TestSecrets(database.admin);
    const options = { database: database.address.database, secrets, secretId: "app" };
    await ensureAppUser(connection, options);
    const made = await secrets.read("app");
    assert.equal(made?.username, "chirp_app");
    assert.ok((made?.password.length ?? 0) > 30);
    const expected = [
      "GRANT USAGE ON *.* TO `chirp_app`@`%`",
      `GRANT SELECT, INSERT, UPDATE ON \`${database.address.database.replace("_", "\\_")}\`.* TO \`chirp_app\`@\`%\``,
    ];
    assert.deepEqual(await grants(connection), expected);

    await ensureAppUser(connection, options);
    assert.deepEqual(await secrets.read("app"), made);
    assert.deepEqual(await grants(connection), expected);

    // Somebody meant well.
    await connection.query("GRANT DELETE ON *.* TO 'chirp_app'@'%'");
    await ensureAppUser(connection, options);
    assert.deepEqual(await grants(connection), expected);
  });

  it("leaves no password in an error", async () => {
    const database = await testDatabase();
    const admin = await database.connect();
    const { host, port, database: name } = database.address;
    await admin.query("CREATE USER IF NOT EXISTS weak@'%' IDENTIFIED BY 'weak'");
    await admin.query(`GRANT SELECT ON ${name}.* TO weak@'%'`);
    const weak = await createConnection({ host, port, database: name, user: "weak", password: "weak" });
    const secrets = new TestSecrets(database.admin);
    await assert.rejects(ensureAppUser(weak, { database: name, secrets, secretId: "app" }), (error: Error) => {
      assert.match(error.message, /chirp_app could not be given its password: ER_/);
      const { password } = secrets.values.get("app")!;
      assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(password));
      return true;
    });
    await weak.end();
    await admin.query("DROP USER weak@'%'");
  });

  it("is made to match its secret when a start was cut short between the two, or when either was changed", async () => {
    const database = await testDatabase();
    const secrets = new TestSecrets(database.admin);
    const open = () =>
      openMysql({ address: database.address, secrets, adminSecret: "admin", appSecret: "app" }).then((opened) =>
        opened.close(),
      );
    await secrets.write("app", { username: "chirp_app", password: "left by a start that was cut short" });
    await open();
    const connection = await database.connect();
    await connection.query("ALTER USER 'chirp_app'@'%' IDENTIFIED BY 'changed by hand'");
    await open();
    await secrets.write("app", { username: "chirp_app", password: "changed in its secret" });
    await open();
  });
});
