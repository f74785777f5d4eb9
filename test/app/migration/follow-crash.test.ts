import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Connection, RowDataPacket } from "mysql2/promise";
import { contentOf, itemsOf, keyOf, readRow } from "../../../app/store/dynamodb/mapping.ts";
import { isLoss } from "../../../app/store/mysql/failures.ts";
import { sharedEmulator, type TestTable, testTable } from "../../support/test-dynamo.ts";
import { until } from "../../support/wait.ts";
import { BinlogServer } from "./binlog-fixture.ts";
import type { ChildSettings } from "./follow-child.ts";

const tables = ["posts", "post_counters", "follows"] as const;

/** Numbers that look random and are the same each time for a seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("Following a database through crashes", function () {
  this.timeout(400_000);
  let server: BinlogServer;
  let made: TestTable;
  let folder: string;
  let endpoint: string;
  let fence = 0;
  let isWriting = false;
  let written = 0;
  let writing: Promise<void>;

  const seed = Math.floor(Math.random() * 2 ** 31);
  const chance = random(seed);

  before(async () => {
    [server, made, { endpoint }] = await Promise.all([BinlogServer.start(), testTable(), sharedEmulator()]);
    folder = mkdtempSync(join(tmpdir(), "chirp-test-follow-"));
    writeFileSync(positionFile(), JSON.stringify(await server.position()));
    console.log(`      seed ${seed}`);
  });

  after(async () => {
    isWriting = false;
    await writing;
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const positionFile = () => join(folder, "position.json");

  const startFollower = (): ChildProcess => {
    const settings: ChildSettings = {
      address: server.address,
      ...server.admin,
      endpoint,
      tableName: made.table.name,
      positionFile: positionFile(),
      fence: ++fence,
    };
    return fork(join(import.meta.dirname, "follow-child.ts"), [JSON.stringify(settings)]);
  };

  /** As the service writes: transactions of some rows, each change with the next version; through crashes. */
  const write = async () => {
    let connection: Connection | undefined;
    while (isWriting) {
      try {
        connection ??= await server.connect();
        await connection.query("START TRANSACTION");
        for (let change = chance() * 8; change > 0; change--) {
          const [one, other] = [1 + Math.floor(chance() * 40), 1 + Math.floor(chance() * 40)];
          await connection.query(
            "INSERT INTO post_counters VALUES (?, 1, 1) ON DUPLICATE KEY UPDATE likes = likes + 1, version = version + 1",
            [one],
          );
          await connection.query(
            "INSERT INTO follows VALUES (?, ?, 1, 0, 1) ON DUPLICATE KEY UPDATE deleted = 1 - deleted, version = version + 1",
            [one, other],
          );
          await connection.query(
            "INSERT INTO posts (id, author_id, text, created_at, version) VALUES (?, ?, 'a', 0, 1) ON DUPLICATE KEY UPDATE text = CONCAT('text ', version), version = version + 1",
            [one, one],
          );
        }
        await connection.query("COMMIT");
        written++;
      } catch (error) {
        if (!isLoss(error)) throw error;
        connection = undefined;
        await pause(5); // the server is being started
      }
    }
  };

  const assertEqual = async () => {
    const connection = await server.connect();
    let rows = 0;
    for (const table of tables) {
      const [found] = await connection.query<RowDataPacket[]>(`SELECT * FROM ${table}`);
      for (const raw of found) {
        const items = itemsOf(table, readRow(table, raw) as never);
        const there = await made.table.getAll(items.map(keyOf));
        for (const item of items)
          assert.equal(contentOf(there.at(keyOf(item)) ?? {}), contentOf(item), `${table}, seed ${seed}`);
        rows++;
      }
    }
    assert.ok(rows > 40, `${rows} rows`);
  };

  /** Waits until everything that is committed by now has been written. */
  const caughtUp = async (follower: ChildProcess) => {
    follower.send({ target: await server.position() });
    await Promise.race([
      once(follower, "message"),
      once(follower, "exit").then(([code]) => Promise.reject(new Error(`the follower ended with ${code}`))),
    ]);
  };

  it("loses nothing when it is killed again and again, and the database, too", async () => {
    isWriting = true;
    writing = write();
    let follower = startFollower();
    for (let round = 0; round < 12; round++) {
      const before = written;
      await until(() => written > before + chance() * 60, { timeout: 60_000, describe: "there are more writes" });
      const isDatabase = round % 4 === 3;
      if (isDatabase) await server.crash();
      else {
        // At any moment of its life: before it is connected, too.
        await pause(chance() * 600);
        follower.kill("SIGKILL");
        await once(follower, "exit");
        follower = startFollower();
      }
    }
    isWriting = false;
    await writing;
    await caughtUp(follower);
    await assertEqual();
    follower.kill("SIGKILL");
    // What the last checkpoint says is enough to go on from.
    follower = startFollower();
    await caughtUp(follower);
    await assertEqual();
    follower.disconnect();
    await once(follower, "exit");
  });
});
