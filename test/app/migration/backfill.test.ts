import assert from "node:assert/strict";
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { backfill, type BackfillProgress } from "../../../app/migration/backfill.ts";
import { Deposed } from "../../../app/migration/model.ts";
import type { Source } from "../../../app/migration/source.ts";
import { read } from "../../../app/migration/table-rows.ts";
import { originAttribute } from "../../../app/store/dynamodb/mapping.ts";
import { writeHistory } from "../../support/history.ts";
import { differences, type Migrated, startMigration } from "./fixture.ts";

const size = { users: 150, posts: 900, relations: 1200 };

describe("Backfill", function () {
  this.timeout(180_000);
  let made: Migrated;
  const never = new AbortController().signal;

  beforeEach(async () => {
    made = await startMigration();
    await writeHistory(made.connection, size);
  });
  afterEach(() => made.close());

  it("writes every row, and says how far it is", async () => {
    const seen: BackfillProgress[] = [];
    await backfill({ ...made, signal: never, onProgress: (progress) => seen.push(progress) });
    assert.deepEqual(await differences(made), []);
    const last = seen.at(-1) as BackfillProgress;
    assert.equal(last.rows, last.rowsTotal);
    assert.ok(last.items > last.rows);
    assert.deepEqual(seen[0], { rows: 0, items: 0, rowsTotal: last.rowsTotal });
    assert.deepEqual(await made.deadLetters.list(), []);
  });

  it("interleaves users: neighbouring chunks are of different tables or users", async () => {
    const read: string[] = [];
    const source: Pick<Source, "rows"> = {
      rows: (sql, values) => {
        if (sql.includes("ORDER BY follower_id") || sql.includes("ORDER BY user_id, post_id")) read.push(sql);
        return made.source.rows(sql, values);
      },
    };
    await backfill({ ...made, source, signal: never });
    const repeats = read.slice(1).filter((sql, index) => sql === read[index]);
    assert.ok(read.length > 4 && repeats.length < read.length / 2, `${repeats.length} of ${read.length}`);
  });

  it("goes on where it was cut off, however often, reading little twice", async () => {
    let reads = 0;
    let runs = 0;
    for (let isDone = false; !isDone; runs++) {
      const worker = await made.next();
      const controller = new AbortController();
      let ofThisRun = 0;
      const source: Pick<Source, "rows"> = {
        rows: async (sql, values) => {
          const rows = await made.source.rows(sql, values);
          if (sql.startsWith("SELECT *")) reads += rows.length;
          // As good as killed: what was read by now is not written.
          if (sql.startsWith("SELECT *") && ++ofThisRun > 12) throw new Error("killed");
          return rows;
        },
      };
      isDone = await backfill({ ...made, ...worker, source, signal: controller.signal }).then(
        () => true,
        (error) => {
          assert.equal((error as Error).message, "killed");
          return false;
        },
      );
    }
    assert.ok(runs > 2, `${runs} runs`);
    assert.deepEqual(await differences(made), []);
    const [{ rows }] = [...(await made.journal.list<{ rows: number }>("backfill/division")).values()] as [
      { rows: number },
    ];
    assert.ok(reads < rows + runs * 8 * 200, `${reads} reads of ${rows} rows in ${runs} runs`);
  });

  it("ends at its signal, and begins nothing when it was done", async () => {
    const controller = new AbortController();
    const stopped = backfill({
      ...made,
      signal: controller.signal,
      onProgress: ({ rows }) => {
        if (rows > 500) controller.abort(new Error("enough"));
      },
    });
    await assert.rejects(stopped, /enough/);
    await backfill({ ...made, signal: never });
    assert.deepEqual(await differences(made), []);
    const untouched: Pick<Source, "rows"> = { rows: () => Promise.reject(new Error("read again")) };
    await backfill({ ...made, source: untouched, signal: never });
  });

  it("loses nothing to a forgotten worker, nor to what has changed meanwhile", async () => {
    const { connection } = made;
    const stale = await made.next();
    const [old] = await connection.query<never[]>("SELECT * FROM likes");
    const worker = await made.next();
    await connection.query("UPDATE likes SET deleted = 1 - deleted, version = version + 1");
    const [changed] = await connection.query<never[]>("SELECT * FROM likes");
    await Promise.all(changed.map((raw) => worker.sink.apply(read("likes", raw).mapped as never, "cdc")));
    await Promise.all([
      stale.sink.insert(
        old.map((raw) => read("likes", raw).mapped as never),
        "backfill",
      ),
      backfill({ ...made, ...worker, signal: never }),
    ]);
    assert.deepEqual(await differences(made), []);
    // Its items are guarded, and its journal is not its own any more.
    await assert.rejects(stale.journal.put("backfill/segment/likes/0", {}), Deposed);
    const items = await made.target.client.send(new ScanCommand({ TableName: made.target.table.name }));
    assert.ok(items.Items?.every((item) => item[originAttribute]?.S?.includes("#")));
  });

  it("puts rows that can't be written with the dead letters, and writes all others", async () => {
    const { connection, source, target } = made;
    await connection.query("SET SESSION sql_mode = ''");
    await connection.query("UPDATE posts SET created_at = 18446744073709551615 LIMIT 1");
    const [[bad]] = (await connection.query("SELECT id FROM posts WHERE created_at > 9e18")) as never as [
      [{ id: string }],
    ];
    const [[user]] = (await connection.query("SELECT * FROM users LIMIT 1")) as never as [[{ id: string }]];
    await made.sink.apply(read("users", { ...user, bio: "another" }).mapped as never, "cdc");
    await backfill({ ...made, signal: never });
    const letters = await made.deadLetters.list();
    assert.deepEqual(
      letters.map(({ kind, key }) => [kind, key]).sort(),
      [
        ["conflict", `users/${user.id}`],
        ["mapping", `posts/${bad.id}`],
      ].sort(),
    );
    assert.match(letters.find(({ kind }) => kind === "mapping")?.reason ?? "", /created_at: .* beyond 2\^53/);
    assert.equal(made.deadLetters.count(), 2);
    await connection.query("UPDATE posts SET created_at = 5, version = version + 1 WHERE id = ?", [bad.id]);
    await connection.query("UPDATE users SET bio = 'another' WHERE id = ?", [user.id]);
    assert.deepEqual(
      (await differences({ source, target })).map((line) => line.replace(/.*(missing)$/, "$1")),
      ["missing", "missing"],
    );
    for (const { key } of letters) await made.deadLetters.resolve(key);
    assert.deepEqual(await (await made.next()).deadLetters.list(), []);
  });
});
