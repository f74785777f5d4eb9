import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { type Database, startDatabase } from "../../local/parts/database.ts";
import { temporaryFolder } from "../support/folder.ts";

describe("database", function () {
  this.timeout(30_000);
  const folder = temporaryFolder();
  const started: Database[] = [];
  const start = async (name: string, more = {}) => {
    const database = await startDatabase({ dir: join(folder, name), ...more });
    started.push(database);
    return database;
  };
  after(() => Promise.all(started.map((database) => database.stop())));

  it("runs two servers at once, with what a binlog reader needs and RDS's rights for the master user", async () => {
    const [first, second] = await Promise.all([start("first"), start("second", { password: `it's "\\odd"` })]);
    assert.notEqual(first.port, second.port);
    assert.deepEqual(
      await query(
        second,
        "SELECT @@binlog_format f, @@binlog_row_image i, @@log_bin l, @@character_set_server c, @@bind_address a",
      ),
      [{ f: "ROW", i: "FULL", l: 1, c: "utf8mb4", a: "127.0.0.1" }],
    );
    const [grants] = await query(second, "SHOW GRANTS");
    assert.doesNotMatch(JSON.stringify(grants), /SUPER|FILE|SHUTDOWN|ALL PRIVILEGES/);
  });

  it("keeps acknowledged rows when it is killed, and changes the password at the next start", async () => {
    const database = await start("killed");
    await query(database, "CREATE DATABASE shop");
    await query(database, "CREATE TABLE shop.items (id INT PRIMARY KEY)");
    await query(database, "INSERT INTO shop.items VALUES (1), (2)");
    process.kill(database.pid, "SIGKILL");
    await database.exited;
    const again = await start("killed", { password: "another" });
    assert.equal(again.password, "another");
    assert.deepEqual(await query(again, "SELECT COUNT(*) n FROM shop.items"), [{ n: 2 }]);
  });

  it("stops a server left over from a killed run before it starts one on the same data", async () => {
    const left = await start("stale");
    const next = await start("stale");
    await left.exited;
    assert.throws(() => process.kill(left.pid, 0), { code: "ESRCH" });
    assert.equal(Number(await readFile(join(folder, "stale/mariadbd.pid"), "utf8")), next.pid);
  });

  it("leaves alone a process that only happens to have the recorded id", async () => {
    const stranger = spawn("sleep", ["60"]);
    const database = await start("reused");
    await database.stop();
    await writeFile(join(folder, "reused/mariadbd.pid"), `${stranger.pid}\n`);
    await start("reused");
    assert.equal(stranger.exitCode ?? stranger.signalCode, null);
    stranger.kill();
  });

  it("says which package to install when there is no server program", async () => {
    const { code, complaints } = await startElsewhere(
      join(folder, "none"),
      `
      import fs from "node:fs/promises";
      import { syncBuiltinESMExports } from "node:module";
      const access = fs.access;
      fs.access = (path) => path.endsWith("/mariadbd") ? Promise.reject(new Error("absent")) : access(path);
      syncBuiltinESMExports();`,
    );
    assert.equal(code, 1);
    assert.match(
      complaints,
      /^No database server: .*(apt-get|brew|dnf|pacman|apk) (--|install|add|-S).*CHIRP_DATABASE_URL/,
    );
  });

  it("shows the server's own words when it cannot start", async () => {
    const occupied = await start("occupied");
    await assert.rejects(start("refused", { port: occupied.port }), /ended at its start.*mariadbd.log.*[Bb]ind/s);
  });

  it("uses the server that CHIRP_DATABASE_URL names", async () => {
    const given = await start("given");
    process.env.CHIRP_DATABASE_URL = `mysql://admin:${given.password}@127.0.0.1:${given.port}`;
    try {
      const { host, port, user, password, pid } = await startDatabase({ dir: join(folder, "unused") });
      assert.deepEqual({ host, port, user, password, pid }, { ...pick(given), pid: 0 });
      process.env.CHIRP_DATABASE_URL = "localhost";
      await assert.rejects(startDatabase({ dir: folder }), /CHIRP_DATABASE_URL is "localhost"; write it as mysql:/);
    } finally {
      delete process.env.CHIRP_DATABASE_URL;
    }
  });
});

const pick = ({ host, port, user, password }: Database) => ({ host, port, user, password });

async function query({ host, port, user, password }: Database, sql: string): Promise<unknown[]> {
  const connection = await createConnection({ host, port, user, password });
  try {
    const [rows] = await connection.query(sql);
    return rows as unknown[];
  } finally {
    await connection.end();
  }
}

/** Starts a database in another process, with `before` run first. */
async function startElsewhere(dir: string, before: string): Promise<{ code: number | null; complaints: string }> {
  const module = new URL("../../local/parts/database.ts", import.meta.url).href;
  const script = `${before}
    const { startDatabase } = await import(${JSON.stringify(module)});
    await startDatabase({ dir: ${JSON.stringify(dir)} }).catch((error) => {
      console.error(error.message);
      process.exitCode = 1;
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script]);
  let complaints = "";
  child.stderr.on("data", (chunk) => {
    complaints += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, complaints };
}
