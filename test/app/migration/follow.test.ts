import assert from "node:assert/strict";
import type { Connection } from "mysql2/promise";
import { type ControlChange, type Follower, follow, type FollowOptions } from "../../../app/migration/follow.ts";
import type { Position } from "../../../app/migration/binlog/position.ts";
import { until } from "../../support/wait.ts";
import { BinlogServer, MemoryLetters, MemorySink, silent } from "./binlog-fixture.ts";

describe("Following a database", function () {
  this.timeout(60_000);
  let server: BinlogServer;
  let admin: Connection;
  let sink: MemorySink;
  let letters: MemoryLetters;
  let checkpoints: Position[];
  let ends: AbortController;

  before(async () => {
    server = await BinlogServer.start();
  });

  after(() => server.stop());

  beforeEach(async () => {
    admin = await server.connect();
    for (const table of ["users", "posts", "post_counters", "follows"]) await admin.query(`DELETE FROM ${table}`);
    sink = new MemorySink();
    letters = new MemoryLetters();
    checkpoints = [];
    ends = new AbortController();
  });

  afterEach(() => ends.abort());

  const start = async (options: Partial<FollowOptions> = {}): Promise<Follower> =>
    follow({
      source: server.source,
      from: options.from ?? (await server.position()),
      sink,
      deadLetters: letters,
      checkpoint: async (position) => void checkpoints.push(position),
      signal: ends.signal,
      log: silent,
      checkpointEvery: 20,
      ...options,
    });

  const like = (post: number, likes: number, version: number) =>
    admin.query("INSERT INTO post_counters VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE likes = ?, version = ?", [
      post,
      likes,
      version,
      likes,
      version,
    ]);

  it("applies what changes, and says how far behind it is", async () => {
    const follower = await start();
    await like(1, 5, 1);
    await like(2, 6, 1);
    await like(1, 7, 2);
    await follower.caughtUp();
    assert.equal(sink.items.get("p#1/likes")?.likes?.N, "7");
    assert.equal(sink.items.get("p#2/likes")?.likes?.N, "6");
    assert.equal(follower.rows, 3);
    await until(() => follower.lag().bytes === 0 && follower.lag().seconds === 0, { describe: "there is no lag" });
    assert.ok(follower.appliedUntil && Math.abs(follower.appliedUntil.getTime() - Date.now()) < 60_000);
    assert.equal(follower.trouble, null);
  });

  it("leaves a tombstone, one version later, of a row deleted by hand", async () => {
    const follower = await start();
    await admin.query("INSERT INTO follows VALUES (1, 2, 3, 0, 7)");
    await admin.query("DELETE FROM follows");
    await follower.caughtUp();
    for (const key of ["u#1/following#00000000000000000002", "u#2/follower#00000000000000000001"]) {
      assert.equal(sink.items.get(key)?.deleted?.BOOL, true, key);
      assert.equal(sink.items.get(key)?.version?.N, "8", key);
    }
  });

  it("leaves tombstones where a row was moved from by hand", async () => {
    const follower = await start();
    await admin.query("INSERT INTO posts (id, author_id, text, created_at, version) VALUES (10, 1, 'a', 0, 1)");
    await admin.query("UPDATE posts SET author_id = 2, version = 5");
    await follower.caughtUp();
    assert.equal(sink.items.get("u#1/post#00000000000000000010")?.deleted?.BOOL, true);
    assert.equal(sink.items.get("u#2/post#00000000000000000010")?.deleted?.BOOL, false);
    assert.equal(sink.items.get("p#10/post")?.author_id?.S, "2");
  });

  it("puts what cannot be mapped aside, and takes it back once it can", async () => {
    const follower = await start();
    await admin.query("INSERT INTO follows VALUES (1, 2, 3, 9, 1)");
    await like(1, 1, 1);
    await follower.caughtUp();
    const [letter] = await letters.list();
    assert.equal(letter?.key, "follows/1/2");
    assert.match(letter?.reason ?? "", /deleted: 9 is neither 0 nor 1/);
    assert.ok(sink.items.has("p#1/likes"), "what comes after it is applied");
    await admin.query("UPDATE follows SET deleted = 0, version = 2");
    await follower.caughtUp();
    assert.deepEqual(await letters.list(), []);
  });

  it("puts aside what is there in the same version with other content", async () => {
    const follower = await start();
    await like(1, 1, 1);
    await like(1, 2, 1);
    await follower.caughtUp();
    const [letter] = await letters.list();
    assert.equal(letter?.kind, "conflict");
    assert.equal(sink.items.get("p#1/likes")?.likes?.N, "1");
  });

  it("never takes a checkpoint past a write that is not finished", async () => {
    const stuck = Promise.withResolvers<void>();
    sink.hold = ({ key }) => (key === "post_counters/1" ? stuck.promise : Promise.resolve());
    const from = await server.position();
    const follower = await start();
    await like(1, 1, 1);
    for (let post = 2; post < 20; post++) await like(post, 1, 1);
    // Those that share its lane wait, too.
    await until(() => sink.applied.length >= 14, { describe: "most others are applied" });
    assert.equal(follower.position.compare(from), 0);
    stuck.resolve();
    await follower.caughtUp();
    await until(() => checkpoints.at(-1)?.compare(follower.position) === 0, { describe: "the checkpoint is taken" });
    assert.ok(checkpoints.every((position) => position.compare(from) > 0));
  });

  it("goes on within a transaction", async () => {
    const stuck = Promise.withResolvers<void>();
    const rows = Array.from({ length: 3000 }, (_, post) => [post + 1, 1, 1]);
    sink.hold = ({ key }) => (key === "post_counters/2900" ? stuck.promise : Promise.resolve());
    const from = await server.position();
    const follower = await start();
    await admin.query("INSERT INTO post_counters VALUES ?", [rows]);
    const within = await until(() => checkpoints.find(({ row }) => row > 0), { describe: "a checkpoint within it" });
    ends.abort();
    stuck.resolve();
    await follower.finished;
    assert.equal(within.offset >= from.offset, true);
    ends = new AbortController();
    sink.applied.length = 0;
    const again = await start({ from: within });
    await again.caughtUp();
    assert.equal(sink.applied.length, 3000 - within.row);
    assert.equal(sink.items.size, 3000);
  });

  it("applies changes of a row in their order, and skips those that waited in vain", async () => {
    const first = Promise.withResolvers<void>();
    sink.hold = ({ version }) => (version === 1n ? first.promise : Promise.resolve());
    const follower = await start();
    for (let version = 1; version <= 50; version++) await like(1, version, version);
    await until(() => follower.lag().bytes > 0, { describe: "there is lag" });
    await server.position().then(async (end) => {
      first.resolve();
      await follower.caughtUp(end);
    });
    const versions = sink.applied.map(({ version }) => version);
    assert.deepEqual(versions, versions.toSorted());
    assert.equal(versions.at(-1), 50n);
    assert.equal(follower.rows, 50);
  });

  it("tells of the control row when everything before is written", async () => {
    const stuck = Promise.withResolvers<void>();
    sink.hold = () => stuck.promise;
    const told: ControlChange[] = [];
    const follower = await start({ onControl: (change) => told.push(change) });
    await like(1, 1, 1);
    await admin.query("UPDATE control SET epoch = 2, version = version + 1");
    await like(2, 1, 1);
    await until(() => follower.lag().bytes > 0, { describe: "there is lag" });
    assert.equal(told.length, 0);
    stuck.resolve();
    await follower.caughtUp();
    assert.equal(told.length, 1);
    assert.deepEqual([told[0]?.record, told[0]?.epoch, told[0]?.outbox], ["mysql", 2n, false]);
    await admin.query("UPDATE control SET epoch = 1, version = version + 1");
  });

  it("reads no more than it may while nothing is written", async () => {
    const stuck = Promise.withResolvers<void>();
    let asked = 0;
    sink.hold = () => {
      asked++;
      return stuck.promise;
    };
    const from = await server.position();
    const text = "x".repeat(280);
    for (let part = 0; part < 20; part++) {
      const rows = Array.from({ length: 500 }, (_, post) => [part * 500 + post + 1, 1, text, 0, 0, 1, text.repeat(5)]);
      await admin.query("INSERT INTO posts VALUES ?", [rows]);
    }
    const follower = await start({ from, readAhead: 100_000, lanes: 1000 });
    await until(() => asked > 40, { describe: "as much is read as may be" });
    await until(() => follower.lag().bytes > 15_000_000, { describe: "the rest is not" });
    assert.ok(asked < 200, `${asked} rows were read`);
    sink.hold = async () => {};
    stuck.resolve();
    await follower.caughtUp();
    assert.equal(sink.items.size, 20_000);
  });

  it("pauses and goes on", async () => {
    const follower = await start();
    await like(1, 1, 1);
    await follower.caughtUp();
    follower.pause();
    await like(1, 2, 2);
    await until(() => follower.lag().bytes > 0, { describe: "there is lag" });
    assert.equal(sink.applied.length, 1);
    follower.resume();
    await follower.caughtUp();
    assert.equal(sink.applied.length, 2);
  });

  it("goes on when its connection is cut, reading nothing twice", async () => {
    const follower = await start();
    for (let round = 1; round <= 5; round++) {
      await like(round, 1, 1);
      await follower.caughtUp();
      const [threads] = await admin.query("SHOW PROCESSLIST");
      for (const { Id, Command } of threads as { Id: number; Command: string }[])
        if (Command === "Binlog Dump") await admin.query(`KILL ${Id}`);
    }
    await like(6, 1, 1);
    await follower.caughtUp();
    assert.equal(sink.applied.length, 6);
  });

  it("ends with what the sink, or the checkpoint, throws", async () => {
    sink.hold = () => Promise.reject(new Error("the table is gone"));
    const follower = await start();
    await like(1, 1, 1);
    await assert.rejects(follower.finished, /the table is gone/);
    sink.hold = async () => {};
    const other = await start({ checkpoint: () => Promise.reject(new Error("deposed")) });
    await like(2, 1, 1);
    await assert.rejects(other.finished, /deposed/);
    await assert.rejects(other.caughtUp(), /deposed/);
  });
});
