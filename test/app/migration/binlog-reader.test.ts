import assert from "node:assert/strict";
import fc from "fast-check";
import type { Connection, RowDataPacket } from "mysql2/promise";
import { Position } from "../../../app/migration/binlog/position.ts";
import type { RowsChanged } from "../../../app/migration/binlog/reader.ts";
import type { Refusal } from "../../../app/migration/binlog/refused.ts";
import { StreamRefused } from "../../../app/migration/binlog/refused.ts";
import { followBinlog } from "../../../app/migration/binlog/stream.ts";
import { type TableName, tableNames, tables } from "../../../app/store/dynamodb/items.ts";
import { readRow, rowKey, type TableRow } from "../../../app/store/dynamodb/mapping.ts";
import { until } from "../../support/wait.ts";
import { anyRow } from "../dynamodb/arbitrary-rows.ts";
import { BinlogServer, silent } from "./binlog-fixture.ts";

const followed = {
  schema: "chirp",
  tables: new Map(tableNames.map((name) => [name as string, new Set(Object.keys(tables[name].columns))])),
};

/** Reads from there on until as many rows have come, or the reader refuses. */
async function read(
  server: BinlogServer,
  from: Position,
  options: { rows?: number; until?: Position } = {},
): Promise<RowsChanged[]> {
  const found: RowsChanged[] = [];
  const ends = new AbortController();
  const stream = followBinlog({
    ...server.source,
    from,
    followed,
    handler: {
      rows: (changed) => {
        found.push(changed);
        if (found.flatMap(({ rows }) => rows).length >= (options.rows ?? Number.POSITIVE_INFINITY)) ends.abort();
      },
      boundary: (after) => {
        if (options.until && after.compare(options.until) >= 0) ends.abort();
      },
    },
    signal: ends.signal,
    log: silent,
  });
  try {
    await stream.finished;
    return found;
  } finally {
    ends.abort();
  }
}

const refused =
  (refusal: Refusal, message: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof StreamRefused, String(error));
    assert.equal(error.refusal, refusal);
    assert.match(error.message, message);
    return true;
  };

/** A row as statements take it, in its table's order of columns. */
async function insert(connection: Connection, { table, row }: TableRow): Promise<void> {
  const values = Object.entries(row).map(([, value]) => (typeof value === "boolean" ? +value : value)) as never[];
  const columns = Object.keys(row).map((column) => `\`${column}\``);
  await connection.query(`REPLACE INTO ${table} (${columns.join(", ")}) VALUES (?)`, [values]);
}

describe("Reading a binlog", function () {
  this.timeout(60_000);
  let server: BinlogServer;
  let admin: Connection;
  let operator: Connection;

  before(async () => {
    server = await BinlogServer.start();
    admin = await server.connect();
    operator = await server.connect("chirp", "operator");
  });

  after(() => server.stop());

  it("gives rows as they are in the database, whatever they hold", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { minLength: 5, maxLength: 20 }), async (rows) => {
        for (const table of tableNames) await admin.query(`DELETE FROM ${table}`);
        const from = await server.position();
        for (const row of rows) await insert(admin, row);
        const state = new Map<string, unknown>();
        for (const { table, rows: changed } of await read(server, from, { until: await server.position() }))
          for (const { before, after } of changed) {
            const name = table as TableName;
            if (before) state.delete(rowKey(name, readRow(name, before)));
            if (after) state.set(rowKey(name, readRow(name, after)), readRow(name, after));
          }
        const there = new Map<string, unknown>();
        for (const table of tableNames) {
          const [found] = await admin.query<RowDataPacket[]>(`SELECT * FROM ${table}`);
          for (const row of found) there.set(rowKey(table, readRow(table, row)), readRow(table, row));
        }
        assert.deepEqual(new Map([...state].toSorted()), new Map([...there].toSorted()));
      }),
      { numRuns: 40 },
    );
  });

  it("gives both images of an update, and one of a deletion", async () => {
    const from = await server.position();
    await admin.query("INSERT INTO post_counters VALUES (77, 1, 1)");
    await admin.query("UPDATE post_counters SET likes = 2, version = 2 WHERE post_id = 77");
    await admin.query("DELETE FROM post_counters WHERE post_id = 77");
    const changed = await read(server, from, { rows: 3 });
    assert.deepEqual(
      changed.map(({ kind, rows }) => [kind, rows[0]?.before?.likes, rows[0]?.after?.likes]),
      [
        ["insert", undefined, 1],
        ["update", 1, 2],
        ["delete", 2, undefined],
      ],
    );
  });

  it("goes on in the next file", async () => {
    const from = await server.position();
    await admin.query("INSERT INTO post_counters VALUES (80, 1, 1)");
    await admin.query("FLUSH BINARY LOGS");
    await admin.query("INSERT INTO post_counters VALUES (81, 1, 1)");
    const changed = await read(server, from, { rows: 2 });
    const [one, two] = changed.map(({ after }) => after);
    assert.ok(one && two && one.file !== two.file && two.compare(one) > 0);
    assert.equal(two.compare(await server.position()) <= 0, true);
  });

  it("leaves alone what is not followed", async () => {
    const from = await server.position();
    await admin.query("CREATE DATABASE IF NOT EXISTS other");
    await admin.query(
      "CREATE TABLE other.users (id INT PRIMARY KEY, at TIMESTAMP, data JSON, place POINT, size ENUM('a','b'))",
    );
    await admin.query("INSERT INTO other.users VALUES (1, NOW(), '{}', POINT(1, 2), 'b')");
    await operator.query("SET SESSION binlog_row_image = MINIMAL");
    await operator.query("UPDATE other.users SET size = 'a'");
    await operator.query("SET SESSION binlog_format = STATEMENT");
    await operator.query("USE other");
    await operator.query("DELETE FROM users");
    await operator.query("TRUNCATE users");
    await operator.query("DROP DATABASE other");
    await operator.query("SET SESSION binlog_format = ROW, SESSION binlog_row_image = FULL");
    await operator.query("USE chirp");
    await admin.query("UPDATE workers SET until_ms = until_ms + 1 WHERE number = 1");
    await admin.query("ALTER TABLE posts ADD INDEX for_a_while (created_at), COMMENT = 'posts, of people'");
    await admin.query("ALTER TABLE posts DROP INDEX for_a_while");
    await admin.query("CREATE TEMPORARY TABLE follows (id INT)");
    await admin.query("DROP TEMPORARY TABLE follows");
    await operator.query("XA START 'a'");
    await operator.query("UPDATE workers SET until_ms = until_ms + 1 WHERE number = 2");
    await operator.query("XA END 'a'");
    await operator.query("XA PREPARE 'a'");
    await operator.query("XA COMMIT 'a'");
    await admin.query("INSERT INTO post_counters VALUES (90, 1, 1)");
    const [changed] = await read(server, from, { rows: 1 });
    assert.equal(changed?.rows[0]?.after?.post_id, 90);
  });

  describe("refuses", () => {
    const afterwards: (() => Promise<unknown>)[] = [];
    afterEach(async () => {
      for (const undo of afterwards.splice(0)) await undo();
    });

    const cases: [what: string, refusal: Refusal, message: RegExp, statements: string[], undo?: string[]][] = [
      [
        "rows that are not whole",
        "partial-rows",
        /post_counters .* binlog_row_image is not FULL/,
        [
          "REPLACE INTO post_counters VALUES (100, 1, 1)",
          "SET SESSION binlog_row_image = MINIMAL",
          "UPDATE post_counters SET likes = 3",
        ],
      ],
      [
        "statements instead of rows",
        "statement",
        /UPDATE post_counters.*binlog_format was not ROW/,
        ["SET SESSION binlog_format = STATEMENT", "UPDATE post_counters SET likes = 5"],
      ],
      ["a table that was emptied", "table-gone", /TRUNCATE likes.*changed likes as a whole/, ["TRUNCATE likes"]],
      [
        "a table that was renamed",
        "table-gone",
        /changed likes as a whole/,
        ["RENAME TABLE likes TO was_likes"],
        ["RENAME TABLE was_likes TO likes"],
      ],
      [
        "a table that was dropped",
        "table-gone",
        /DROP TABLE.*changed likes as a whole/,
        ["CREATE TABLE was_likes LIKE likes", "DROP TABLE likes"],
        ["RENAME TABLE was_likes TO likes"],
      ],
      [
        "columns that were changed",
        "schema",
        /changed the columns of likes/,
        ["ALTER TABLE likes ADD COLUMN why TEXT"],
        ["ALTER TABLE likes DROP COLUMN why"],
      ],
      [
        "rows of a transaction in two phases",
        "not-understood",
        /XA START/,
        ["XA START 'a'", "REPLACE INTO post_counters VALUES (101, 1, 1)", "XA END 'a'", "XA PREPARE 'a'"],
        ["XA ROLLBACK 'a'"],
      ],
    ];

    for (const [what, refusal, message, statements, undo = []] of cases)
      it(what, async () => {
        afterwards.push(async () => {
          for (const statement of undo) await operator.query(statement);
          await operator.query("SET SESSION binlog_format = ROW, SESSION binlog_row_image = FULL");
        });
        const from = await server.position();
        for (const statement of statements) await operator.query(statement);
        await assert.rejects(read(server, from), refused(refusal, message));
        await assert.rejects(read(server, from), refused(refusal, /[Bb]egin the migration again/));
      });

    it("a table whose columns are not those that are mapped", async () => {
      await admin.query("ALTER TABLE likes CHANGE created_at made_at BIGINT UNSIGNED NOT NULL");
      afterwards.push(() => admin.query("ALTER TABLE likes CHANGE made_at created_at BIGINT UNSIGNED NOT NULL"));
      const from = await server.position();
      await admin.query("REPLACE INTO likes VALUES (1, 2, 3, 0, 4)");
      await assert.rejects(read(server, from), refused("schema", /likes .*without created_at, with made_at/));
    });

    it("columns of types that are not mapped", async () => {
      await admin.query("DELETE FROM likes");
      await admin.query("ALTER TABLE likes MODIFY created_at TIMESTAMP NOT NULL");
      afterwards.push(() => admin.query("ALTER TABLE likes MODIFY created_at BIGINT UNSIGNED NOT NULL"));
      const from = await server.position();
      await admin.query("REPLACE INTO likes VALUES (1, 2, NOW(), 0, 4)");
      await assert.rejects(read(server, from), refused("schema", /created_at is of the binlog's column type 17/));
      await admin.query("DELETE FROM likes");
    });

    it("another server", async () => {
      const { file, offset } = await server.position();
      const from = new Position({ server: "mariadb/9/other", file, offset });
      await assert.rejects(read(server, from), refused("server-changed", /mariadb\/9\/other/));
    });

    it("a position that is purged, or was never there", async () => {
      const from = await server.position();
      await admin.query("FLUSH BINARY LOGS");
      const [[last]] = await admin.query<RowDataPacket[]>("SHOW MASTER STATUS");
      await until(
        async () => {
          await operator.query(`PURGE BINARY LOGS TO '${last?.File}'`);
          const [files] = await admin.query<RowDataPacket[]>("SHOW BINARY LOGS");
          return files.length === 1;
        },
        { describe: "old files are gone" },
      );
      await assert.rejects(read(server, from), refused("purged", /binlog retention hours/));
      const { server: identity, file } = await server.position();
      const never = new Position({ server: identity, file, offset: 999_999_999n });
      await assert.rejects(read(server, never), refused("purged", /has no binlog at/));
    });

    it("a user without the right to read it", async () => {
      await admin.query("CREATE USER nobody@'%' IDENTIFIED BY 'none'");
      const ends = new AbortController();
      const stream = followBinlog({
        address: server.address,
        credentials: async () => ({ username: "nobody", password: "none" }),
        from: await server.position(),
        followed,
        handler: { rows: () => {}, boundary: () => {} },
        signal: ends.signal,
        log: silent,
      });
      await assert.rejects(stream.finished, refused("rights", /GRANT REPLICATION SLAVE/));
      ends.abort();
    });
  });
});

describe("Reading a binlog that is not as it must be", function () {
  this.timeout(60_000);
  const settings: [what: string, settings: Record<string, string>, refusal: Refusal, message: RegExp][] = [
    ["compressed", { log_bin_compress: "ON", log_bin_compress_min_len: "10" }, "compressed", /log_bin_compress is on/],
    ["without names of columns", { binlog_row_metadata: "NO_LOG" }, "schema", /binlog_row_metadata is not FULL/],
  ];
  for (const [what, options, refusal, message] of settings)
    it(`refuses one that is ${what}`, async () => {
      const server = await BinlogServer.start(options);
      try {
        const admin = await server.connect();
        const from = await server.position();
        await admin.query("INSERT INTO users VALUES (1, 'a', 'a', REPEAT('a', 50), '', '', 0, 0, 1)");
        await assert.rejects(read(server, from), refused(refusal, message));
      } finally {
        await server.stop();
      }
    });
});
