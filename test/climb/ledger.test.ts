import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import type { Connection } from "mysql2/promise";
import { type Check, checkLedger, type DatabaseAddress } from "../../climb/traffic/check.ts";
import { LedgerWriter, type Write } from "../../climb/traffic/ledger.ts";
import { Load } from "../../climb/traffic/load.ts";
import { entriesOf } from "../support/entries.ts";
import { temporaryFolder } from "../support/folder.ts";
import { startTestService, type TestService } from "../support/test-service.ts";
import { until } from "../support/wait.ts";

describe("ledger", () => {
  const folder = temporaryFolder();
  const path = join(folder, "ledger");
  let service: TestService;
  let database: Connection;
  let address: DatabaseAddress;

  before(async function () {
    this.timeout(20_000);
    service = await startTestService();
    database = await service.database.connect();
    const { host, port, database: name } = service.database.address;
    const { username, password } = service.database.admin;
    address = { host, port, database: name, user: username, password };

    const url = new URL(service.url);
    const ledger = new LedgerWriter(path);
    const target = { host: url.hostname, port: Number(url.port), name: url.host };
    const load = new Load({ target, ledger, rate: 400, people: 8 });
    await load.populate();
    load.resume();
    await until(() => load.stats().writes > 300, { describe: "there are enough writes" });
    await load.pause();
    assert.deepEqual(load.stats().samples, []);
    load.close();
    ledger.close();
  });
  after(() => service.stop());

  it("finds every acknowledged write of real traffic", async () => {
    const check = await checkLedger(path, address);
    assert.ok(check.writes > 300, `only ${check.writes} writes`);
    assert.ok(check.rows > 150, `only ${check.rows} rows`);
    assert.deepEqual(
      { found: check.found, duplicates: check.duplicates, samples: check.samples },
      {
        found: check.rows,
        duplicates: 0,
        samples: [],
      },
    );
  });

  /** Damages the database, checks, and mends it again. */
  async function withDamage(damage: string, mend: string, seen: (check: Check) => void): Promise<void> {
    const [result] = await database.query(damage);
    assert.equal((result as { affectedRows: number }).affectedRows, 1, damage);
    try {
      seen(await checkLedger(path, address));
    } finally {
      await database.query(mend);
    }
  }

  const one = async (sql: string): Promise<Record<string, string>> => {
    const [rows] = await database.query(sql);
    return (rows as Record<string, string>[])[0] as Record<string, string>;
  };

  const lostRows: readonly [what: string, table: string, key: readonly string[], said: RegExp][] = [
    ["a lost user", "users", ["id"], /user \w+ \(\d+\) is missing/],
    ["a lost post", "posts", ["id"], /post \d+, ".+", is missing/],
    ["a lost follow", "follows", ["follower_id", "followee_id"], /follows \d+ \d+ should be on and is off/],
    ["a lost like", "likes", ["user_id", "post_id"], /likes \d+ \d+ should be on and is off/],
  ];
  for (const [what, table, key, said] of lostRows) {
    it(`notices ${what}`, async () => {
      const row = await one(`SELECT * FROM ${table} WHERE deleted = 0 LIMIT 1`);
      const where = key.map((column) => `${column} = ${row[column]}`).join(" AND ");
      await database.query(`CREATE TEMPORARY TABLE kept AS SELECT * FROM ${table} WHERE ${where}`);
      const mend = `INSERT INTO ${table} SELECT * FROM kept`;
      await withDamage(`DELETE FROM ${table} WHERE ${where}`, mend, (check) => {
        assert.equal(check.found, check.rows - 1);
        assert.match(check.samples.join(), said);
      });
      await database.query("DROP TEMPORARY TABLE kept");
    });
  }

  const wrongStates: readonly [what: string, table: string, set: string, unset: string, found: string][] = [
    ["a post that was deleted and is back", "posts", "deleted = 0", "deleted = 1", "deleted = 1"],
    ["a post with another text", "posts", "text = 'x'", "text = @kept", "deleted = 0"],
    ["a like that was taken back and is there", "likes", "deleted = 0", "deleted = 1", "deleted = 1"],
  ];
  for (const [what, table, set, unset, found] of wrongStates) {
    it(`notices ${what}`, async () => {
      const key = table === "posts" ? ["id"] : ["user_id", "post_id"];
      const row = await one(`SELECT * FROM ${table} WHERE ${found} LIMIT 1`);
      const where = key.map((column) => `${column} = ${row[column]}`).join(" AND ");
      await database.query("SET @kept = ?", [row.text ?? ""]);
      await withDamage(
        `UPDATE ${table} SET ${set} WHERE ${where}`,
        `UPDATE ${table} SET ${unset} WHERE ${where}`,
        (check) => assert.equal(check.found, check.rows - 1),
      );
    });
  }

  it("notices a post that was made twice", async () => {
    const copy = `INSERT INTO posts (id, author_id, text, created_at, version)
      SELECT 1, author_id, text, created_at, version FROM posts LIMIT 1`;
    await withDamage(copy, "DELETE FROM posts WHERE id = 1", (check) => {
      assert.equal(check.found, check.rows);
      assert.equal(check.duplicates, 1);
      assert.match(check.samples.join(), /is there 2 times/);
    });
  });

  describe("of writes without an answer", () => {
    const user = "11";
    const post = "22";
    const like = (on: boolean): Write => ({ kind: "like", user, post, on });

    /** How many rows the ledger demands, and how many of these are there, in a database that has none of them. */
    async function checkLines(name: string, write: (ledger: LedgerWriter) => void) {
      const file = join(folder, name);
      const ledger = new LedgerWriter(file);
      write(ledger);
      ledger.close();
      const { writes, rows, found } = await checkLedger(file, address);
      return { writes, rows, found };
    }

    it("demands nothing of a creation", async () => {
      const counts = await checkLines("creation", (ledger) => {
        ledger.attempted({ kind: "user", name: "nobody" });
        ledger.attempted({ kind: "post", tag: "t", author: user, text: "…" });
      });
      assert.deepEqual(counts, { writes: 0, rows: 0, found: 0 });
    });

    it("accepts either state of a relation", async () => {
      const counts = await checkLines("relation", (ledger) => ledger.attempted(like(true)));
      assert.deepEqual(counts, { writes: 0, rows: 1, found: 1 });
    });

    it("accepts either state even after a later answer, because the first may arrive after it", async () => {
      const counts = await checkLines("late", (ledger) => {
        ledger.attempted(like(false));
        ledger.attempted(like(true));
        ledger.acknowledged(like(true));
      });
      assert.deepEqual(counts, { writes: 1, rows: 1, found: 1 });
    });

    it("demands the last acknowledged state otherwise", async () => {
      const on = (ledger: LedgerWriter) => {
        ledger.attempted(like(true));
        ledger.acknowledged(like(true));
      };
      assert.deepEqual(await checkLines("on", on), { writes: 1, rows: 1, found: 0 });
      const off = (ledger: LedgerWriter) => {
        on(ledger);
        ledger.attempted(like(false));
        ledger.acknowledged(like(false));
      };
      assert.deepEqual(await checkLines("off", off), { writes: 2, rows: 1, found: 1 });
    });
  });

  it("is read up to a line that was cut off, and goes on after it", async () => {
    const file = join(folder, "cut");
    const write: Write = { kind: "delete", post: "1" };
    const before = new LedgerWriter(file);
    before.attempted(write);
    before.close();
    appendFileSync(file, '{"acknowledged":tr');
    const after = new LedgerWriter(file);
    after.acknowledged(write);
    after.close();
    const entries = await entriesOf(file);
    assert.deepEqual(entries, [
      { acknowledged: false, write },
      { acknowledged: true, write },
    ]);
  });
});
