import assert from "node:assert/strict";
import type { Connection, RowDataPacket } from "mysql2/promise";
import { Database } from "../../../app/store/mysql/database.ts";
import { openMysql } from "../../../app/store/mysql/open.ts";
import { until } from "../../support/wait.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";
import { testDatabase } from "../../support/test-database.ts";
import { onceFor } from "../store/contract-accounts.ts";
import { type OpenedStore, openTestStore } from "./opened.ts";

const someDay = Date.UTC(2024, 1, 29) * 1000;

describe("The MySQL store", function () {
  this.timeout(60_000);
  let opened: OpenedStore;
  let admin: Connection;
  let wire: TcpProxy;

  before(async () => {
    const database = await testDatabase();
    admin = await database.connect();
    wire = await startTcpProxy(database.address);
    opened = await openTestStore(database, wire.port);
  });
  after(async () => {
    await opened?.close();
    await wire?.stop();
  });

  async function user(): Promise<string> {
    const id = opened.nextId();
    const name = `u${id}`;
    await opened.store.createUser({ id, name, displayName: name, passwordHash: "hash", createdAt: someDay });
    return id;
  }

  it("keeps every acknowledged write, once, while its connections are cut again and again", async () => {
    const { store, nextId } = opened;
    const people = await Promise.all(Array.from({ length: 4 }, () => user()));
    const acknowledged: string[] = [];
    let isOver = false;
    const writing = people.map(async (authorId, index) => {
      while (!isOver) {
        const post = { id: nextId(), authorId, text: "chirp", createdAt: someDay };
        acknowledged.push((await store.createPost(post)).id);
        await store.setLike(people[(index + 1) % 4] as string, post.id, true, someDay);
      }
    });
    let cut = 0;
    for (let round = 0; round < 15; round++) {
      const sofar = acknowledged.length;
      cut += wire.cut();
      await until(() => acknowledged.length > sofar + 8, { describe: "writing goes on" });
    }
    isOver = true;
    await Promise.all(writing);
    assert.ok(cut > 15);
    const [rows] = await admin.query<RowDataPacket[]>(
      "SELECT p.id, c.likes FROM posts p JOIN post_counters c ON c.post_id = p.id",
    );
    assert.deepEqual(new Set(rows.map(({ id }) => id)), new Set(acknowledged));
    assert.ok(rows.every(({ likes }) => Number(likes) === 1));
    for (const person of people) {
      const [[own]] = await admin.query<RowDataPacket[]>("SELECT COUNT(*) AS n FROM posts WHERE author_id = ?", [
        person,
      ]);
      assert.equal((await store.user(person))?.posts, Number(own?.n));
    }
  });

  it("writes once when the answer to a commit is lost", async () => {
    const { store, nextId } = opened;
    const [me, friend] = [await user(), await user()];
    const isCommit = (sent: Buffer) => sent.includes("COMMIT");
    const losing = async <T>(write: Promise<T>, lost: Promise<void>): Promise<T> => {
      await lost;
      return write;
    };

    const post = { id: nextId(), authorId: me, text: "once", createdAt: someDay };
    const key = onceFor("once");
    let lost = wire.loseAnswerTo(isCommit);
    assert.equal((await losing(store.createPost(post, key), lost)).id, post.id);

    const id = nextId();
    const newUser = { id, name: `u${id}`, displayName: "New", passwordHash: "hash", createdAt: someDay };
    lost = wire.loseAnswerTo(isCommit);
    assert.equal((await losing(store.createUser(newUser, key), lost)).id, id);

    for (const [write, step] of [
      [() => store.setFollow(me, friend, true, someDay), { following: 1 }],
      [() => store.setFollow(me, friend, false, someDay), { following: 0 }],
      [() => store.setLike(me, post.id, true, someDay), { likes: 1 }],
      [() => store.deletePost(post.id, me), { posts: 0 }],
    ] as const) {
      lost = wire.loseAnswerTo(isCommit);
      await losing<unknown>(write(), lost);
      const mine = await store.user(me);
      const seen = { following: mine?.following, posts: mine?.posts, likes: (await store.post(post.id))?.likes };
      for (const [counter, value] of Object.entries(step)) assert.equal(seen[counter as keyof typeof seen], value);
    }
  });

  it("runs a transaction again that lost against another", async () => {
    const options = { address: opened.database.address, credentials: async () => (await opened.secrets.read("app"))! };
    const database = new Database(options);
    const people = [BigInt(await user()), BigInt(await user())] as const;
    let runs = 0;
    let arrived: () => void = () => {};
    const bothHoldOne = new Promise<void>((resolve) => (arrived = resolve));
    // Each locks one row and then wants the other's: the database sacrifices one.
    const crossing = (first: bigint, second: bigint) =>
      database.write(async (transaction) => {
        const update = "UPDATE user_counters SET posts = posts + 1 WHERE user_id = ?";
        await transaction.change(["user_counters", first], update, [first]);
        if (++runs === 2) arrived();
        await bothHoldOne;
        await transaction.change(["user_counters", second], update, [second]);
      });
    await Promise.all([crossing(people[0], people[1]), crossing(people[1], people[0])]);
    assert.equal(runs, 3);
    for (const person of people) assert.equal((await opened.store.user(String(person)))?.posts, 2);
    await database.close();
  });

  it("follows a password that is changed while it serves", async () => {
    const author = await user();
    const { secrets, store } = opened;
    for (const password of ["rotated once", "rotated twice"]) {
      await admin.query("ALTER USER 'chirp_app'@'%' IDENTIFIED BY ?", [password]);
      await secrets.write("app", { username: "chirp_app", password });
      wire.cut();
      assert.equal((await store.user(author))?.id, author);
    }
  });

  it("waits a moment for the secret to follow a changed password", async () => {
    const author = await user();
    const { secrets, store } = opened;
    await admin.query("ALTER USER 'chirp_app'@'%' IDENTIFIED BY 'ahead of its secret'");
    wire.cut();
    const reads = secrets.reads.length;
    const found = store.user(author);
    await until(() => secrets.reads.length > reads + 1, { describe: "the secret is read again" });
    await secrets.write("app", { username: "chirp_app", password: "ahead of its secret" });
    assert.equal((await found)?.id, author);
  });

  it("opens with the administrator's password of the day", async () => {
    const { database, secrets } = opened;
    const options = { address: database.address, secrets, adminSecret: "rotating", appSecret: "app" };
    await secrets.write("rotating", { username: database.admin.username, password: "yesterday's" });
    await assert.rejects(openMysql(options), { code: "ER_ACCESS_DENIED_ERROR" });
    await secrets.write("rotating", database.admin);
    await (await openMysql(options)).close();
  });

  it("answers 503 with Retry-After when the database is out of reach", async () => {
    const address = { ...opened.database.address, port: 1 };
    const database = new Database({ address, credentials: async () => opened.database.admin });
    await assert.rejects(database.read("SELECT 1"), { status: 503, code: "unavailable", retryAfter: 1 });
    await database.close();
  });
});
