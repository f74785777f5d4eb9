import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { DeleteItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import type { Connection } from "mysql2/promise";
import { backfill } from "../../../app/migration/backfill.ts";
import type { MappedRow } from "../../../app/migration/model.ts";
import { repair } from "../../../app/migration/repair.ts";
import type { Source } from "../../../app/migration/source.ts";
import { read, rowsByKey } from "../../../app/migration/table-rows.ts";
import { forgetVerification, mismatches, verify, type Verified } from "../../../app/migration/verify/verify.ts";
import { attributes } from "../../../app/store/dynamodb/dynamo-table.ts";
import type { Item, TableName } from "../../../app/store/dynamodb/items.ts";
import { itemsOf, keyOf, originAttribute, versionOf } from "../../../app/store/dynamodb/mapping.ts";
import { writeHistory } from "../../support/history.ts";
import { differences, log, type Migrated, startMigration } from "./fixture.ts";

const none = { lagging: 0, stale: 0, missing: 0, extra: 0, mapping: 0, conflict: 0 };

describe("Verification", function () {
  this.timeout(240_000);
  const never = new AbortController().signal;
  let made: Migrated;

  /** Compares as if no change were on its way. */
  const verified = (more: Partial<Parameters<typeof verify>[0]> = {}): Promise<Verified> =>
    verify({ ...made, ...table(), caughtUp: async () => {}, signal: never, ...more });
  const table = () => ({ client: made.target.client, tableName: made.target.table.name });
  const repaired = (keys?: string[]) => repair({ ...made, ...table(), signal: never, log, ...(keys ? { keys } : {}) });
  const put = (item: Item) =>
    made.target.client.send(new PutItemCommand({ TableName: made.target.table.name, Item: item }));
  const remove = (item: Item) =>
    made.target.client.send(new DeleteItemCommand({ TableName: made.target.table.name, Key: attributes(keyOf(item)) }));
  const anyOf = async (name: TableName, count: number): Promise<MappedRow[]> => {
    const rows = await made.source.rows(`SELECT * FROM ${name} WHERE version > 0 ORDER BY 1, 2 LIMIT ${count}`);
    return rows.map((raw) => read(name, raw).mapped as MappedRow);
  };
  const there = async (item: Item) => (await made.target.table.get(keyOf(item))) as Item;

  beforeEach(async () => {
    made = await startMigration();
    await writeHistory(made.connection, { users: 60, posts: 300, relations: 400 });
    await backfill({ ...made, signal: never });
  });
  afterEach(() => made.close());

  it("finds nothing where rows and items are equal, and has looked at all of them", async () => {
    const seen: Verified[] = [];
    const result = await verified({ onProgress: (progress) => seen.push(progress) });
    assert.deepEqual(result.differences, none);
    assert.deepEqual(result.miscounted, []);
    const [{ rows }] = (await made.source.rows(
      `SELECT ${["users", "user_counters", "posts", "post_counters", "follows", "likes", "sessions"]
        .map((name) => `(SELECT COUNT(*) FROM ${name})`)
        .join("+")} AS \`rows\``,
    )) as [{ rows: string }];
    assert.equal(result.rows, Number(rows));
    assert.equal(result.rowsTotal, Number(rows));
    assert.ok(result.items > result.rows);
    assert.equal(result.items, result.itemsTotal);
    assert.equal(seen[0]?.rows, 0);
    assert.ok(seen[0]?.rowsTotal === Number(rows));
    assert.deepEqual(await mismatches(made.journal), []);
  });

  it("finds every kind of difference, whichever item it is in, and repairs it by the row", async () => {
    const { connection } = made;
    const [behind, lookupBehind, other, ahead] = (await anyOf("users", 4)) as [
      MappedRow,
      MappedRow,
      MappedRow,
      MappedRow,
    ];
    const [lost, lostLookup, unreadable] = (await anyOf("posts", 3)) as [MappedRow, MappedRow, MappedRow];
    const like = (await anyOf("likes", 5)).find(({ items }) => items[0]?.deleted?.BOOL === false) as MappedRow;
    await connection.query("UPDATE users SET bio = 'new', version = version + 1 WHERE id = ?", [
      behind.key.split("/")[1],
    ]);
    await put({ ...(lookupBehind.items[1] as Item), version: { N: "1" } });
    await put({ ...(other.items[0] as Item), bio: { S: "by another hand" } });
    await put({ ...(ahead.items[0] as Item), version: { N: String(ahead.version + 5n) } });
    for (const item of lost.items) await remove(item);
    await remove(lostLookup.items[1] as Item);
    await connection.query("SET SESSION sql_mode = ''");
    await connection.query("UPDATE posts SET created_at = ~0, version = version + 1 WHERE id = ?", [
      unreadable.key.split("/")[1],
    ]);
    await connection.query("DELETE FROM likes WHERE user_id = ? AND post_id = ?", like.key.split("/").slice(1));
    const stray = itemsOf("follows", {
      follower_id: "1",
      followee_id: "2",
      created_at: 1,
      deleted: false,
      version: 9n,
    });
    const dead = itemsOf("follows", { follower_id: "1", followee_id: "3", created_at: 1, deleted: true, version: 9n });
    const count = itemsOf("post_counters", { post_id: "77", likes: 1, version: 9n });
    for (const item of [...stray, ...dead, ...count]) await put(item);
    const nameless: Item = { ...(other.items[2] as Item), sk: { S: "nobody" } };
    delete nameless.id;
    await put(nameless);

    const result = await verified();
    const found = new Map((await mismatches(made.journal)).map(({ key, kind }) => [key, kind]));
    assert.deepEqual(
      Object.fromEntries([...found].sort()),
      Object.fromEntries(
        [
          [behind.key, "stale"],
          [lookupBehind.key, "stale"],
          [other.key, "conflict"],
          [ahead.key, "conflict"],
          [lost.key, "missing"],
          [lostLookup.key, "missing"],
          [unreadable.key, "mapping"],
          [like.key, "extra"],
          ["follows/1/2", "extra"],
          ["post_counters/77", "extra"],
          [`item/${nameless.pk?.S}/nobody`, "extra"],
        ].sort(),
      ),
    );
    assert.deepEqual(result.differences, { ...none, stale: 2, conflict: 2, missing: 2, mapping: 1, extra: 4 });
    assert.ok(result.miscounted.some((line) => /^post_counters\/\d+ likes \d+ instead of \d+$/.test(line)));

    const report = await repaired();
    assert.deepEqual(
      report.left.map(({ key }) => key),
      [unreadable.key],
    );
    assert.deepEqual([report.written, report.removed], [6, 5]);
    const tombstone = await there(stray[0]);
    assert.equal(tombstone.deleted?.BOOL, true);
    assert.equal(versionOf(tombstone), 10n);
    assert.equal(tombstone[originAttribute]?.S, `repair#${made.journal.fence}`);
    assert.equal(await there(count[0]), undefined);
    assert.equal(versionOf(await there(ahead.items[0] as Item)), ahead.version);

    await connection.query("UPDATE posts SET created_at = 1, version = version + 1 WHERE id = ?", [
      unreadable.key.split("/")[1],
    ]);
    assert.deepEqual((await repaired([unreadable.key])).left, []);
    await forgetVerification(made.journal);
    assert.deepEqual((await verified()).differences, none);
    assert.deepEqual(await differences(made), []);
  });

  it("stays valid while everything is written, also rows that never rest, with changes that are late", async () => {
    const people = changing(made, await anyOf("users", 40), 8);
    const hot = changing(made, (await anyOf("post_counters", 1)) as MappedRow[], 0);
    try {
      const result = await verified({
        caughtUp: async () => {
          await Promise.all([people.caughtUp(), hot.caughtUp()]);
        },
      });
      assert.deepEqual(result.differences, none, JSON.stringify(await mismatches(made.journal)));
    } finally {
      await Promise.all([people.stop(), hot.stop()]);
    }
    assert.ok(people.changes > 5 && hot.changes > 5, `${people.changes} and ${hot.changes} changes`);
  });

  it("says which row is behind for good while others change", async () => {
    const [lost, ...others] = await anyOf("users", 30);
    await remove(lost?.items[0] as Item);
    const people = changing(made, others, 5);
    try {
      const result = await verified({ caughtUp: people.caughtUp });
      assert.deepEqual(result.differences, { ...none, missing: 1 });
    } finally {
      await people.stop();
    }
    assert.deepEqual(
      (await mismatches(made.journal)).map(({ key }) => key),
      [lost?.key],
    );
  });

  it("waits for changes that are on their way, and calls them lagging meanwhile", async () => {
    const [row] = (await anyOf("users", 1)) as [MappedRow];
    await made.connection.query("UPDATE users SET bio = 'later', version = version + 1 LIMIT 20");
    let lagging = 0;
    const result = await verified({
      onProgress: ({ differences: { lagging: now } }) => {
        lagging = Math.max(lagging, now);
      },
      caughtUp: async () => {
        const changed = await made.source.rows("SELECT * FROM users WHERE bio = 'later'");
        for (const raw of changed) await made.sink.apply(read("users", raw).mapped as MappedRow, "cdc");
      },
    });
    assert.deepEqual(result.differences, none);
    assert.equal(lagging, 20);
    assert.equal((await there(row.items[0] as Item)).bio?.S, "later");
  });

  it("goes on where it was cut off, however often, and knows what it found before", async () => {
    const [lost] = (await anyOf("users", 1)) as [MappedRow];
    await remove(lost.items[0] as Item);
    let runs = 0;
    let result: Verified | undefined;
    let reads = 0;
    while (!result) {
      const worker = await made.next();
      let ofThisRun = 0;
      const source: Pick<Source, "rows"> = {
        rows: async (sql, values) => {
          if (sql.includes("LIMIT 200") && ++ofThisRun > 6) throw new Error("killed");
          const rows = await made.source.rows(sql, values);
          if (sql.includes("LIMIT 200")) reads += rows.length;
          return rows;
        },
      };
      runs++;
      result = await verified({ ...worker, source }).catch((error: Error) => {
        assert.equal(error.message, "killed");
        return undefined;
      });
    }
    assert.ok(runs > 2, `${runs} runs`);
    assert.deepEqual(result.differences, { ...none, missing: 1 });
    assert.ok(reads < result.rows + runs * 6 * 200, `${reads} rows read of ${result.rows} in ${runs} runs`);
  });

  it("ends at its signal, also while it waits, and when changes can't be waited for", async () => {
    await made.connection.query("UPDATE users SET bio = 'later', version = version + 1 LIMIT 1");
    const controller = new AbortController();
    const waiting = verified({
      signal: controller.signal,
      caughtUp: () => {
        controller.abort(new Error("enough"));
        return new Promise(() => {});
      },
    });
    await assert.rejects(waiting, /enough/);
    await assert.rejects(verified({ caughtUp: () => Promise.reject(new Error("no binlog")) }), /no binlog/);
  });

  it("takes dead letters back once their rows are written, or gone", async () => {
    const [written, gone] = (await anyOf("users", 2)) as [MappedRow, MappedRow];
    await made.connection.query("DELETE FROM users WHERE id = ?", [gone.key.split("/")[1]]);
    for (const item of gone.items)
      await put({ ...item, deleted: { BOOL: true }, version: { N: String(gone.version + 1n) } });
    for (const { key } of [written, gone]) await made.deadLetters.add({ kind: "mapping", key, reason: "too large" });
    await made.deadLetters.add({ kind: "mapping", key: "users/?", reason: "no id" });
    await verified();
    assert.deepEqual(
      (await made.deadLetters.list()).map(({ key }) => key),
      ["users/?"],
    );
    assert.match((await repaired()).left[0]?.reason ?? "", /by hand/);
  });

  it("repairs nothing when the database is not the record any more", async () => {
    await made.connection.query("UPDATE control SET record = 'dynamodb'");
    await assert.rejects(repaired(["users/1"]), /store of record is dynamodb/);
  });
});

/** Changes rows all the time; each change is applied a moment later, in order. */
function changing({ connection, source, sink }: Migrated, rows: readonly MappedRow[], between: number) {
  let isStopped = false;
  const result = { changes: 0 };
  let applied: Promise<unknown> = Promise.resolve();
  const change = async (row: MappedRow, database: Connection) => {
    const [, ...key] = row.key.split("/");
    const [column, value] = row.table === "users" ? ["bio", String(result.changes)] : ["likes", result.changes];
    const id = row.table === "users" ? "id" : "post_id";
    await database.query(`UPDATE ${row.table} SET ${column} = ?, version = version + 1 WHERE ${id} = ?`, [
      value,
      key[0],
    ]);
    const now = (await rowsByKey(source, [row.key])).get(row.key)?.mapped as MappedRow;
    result.changes++;
    applied = Promise.all([applied, pause(20).then(() => sink.apply(now, "cdc"))]);
  };
  const running = (async () => {
    for (let index = 0; !isStopped; index++) {
      await change(rows[index % rows.length] as MappedRow, connection);
      await pause(between);
    }
  })();
  return {
    get changes() {
      return result.changes;
    },
    caughtUp: async () => {
      await applied;
    },
    stop: async () => {
      isStopped = true;
      await running;
      await applied;
    },
  };
}
