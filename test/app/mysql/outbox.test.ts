import assert from "node:assert/strict";
import type { Connection, RowDataPacket } from "mysql2/promise";
import { Database } from "../../../app/store/mysql/database.ts";
import { BinlogTransactions, type SeenTransaction } from "../../support/binlog-transactions.ts";
import { lockWait } from "../../support/lock-wait.ts";
import { until } from "../../support/wait.ts";
import { describeStoreContract, someDay } from "../store/contract.ts";
import { type OpenedStore, openTestStore } from "./opened.ts";

async function switchOutbox(admin: Connection, isOn: boolean): Promise<void> {
  await admin.query("UPDATE control SET outbox = ?, version = version + 1 WHERE id = 1", [isOn ? 1 : 0]);
}

/** While it is switched on, each transaction names what it changed and nothing else; else none does. */
function assertNamed(transactions: readonly SeenTransaction[], isOn: boolean): { named: number; unnamed: number } {
  const counted = { named: 0, unnamed: 0 };
  for (const { changed, outbox, switched } of transactions) {
    if (switched !== undefined) isOn = switched;
    else if (changed.length > 0) counted[isOn ? "named" : "unnamed"] += 1;
    assert.deepEqual(outbox?.toSorted(), isOn && changed.length > 0 ? changed.toSorted() : undefined);
  }
  return counted;
}

describe("The outbox", () => {
  let binlog: BinlogTransactions;

  describeStoreContract("MySQL with its outbox", async () => {
    const opened = await openTestStore();
    await switchOutbox(await opened.database.connect(), true);
    binlog = await BinlogTransactions.start(opened.database);
    return opened;
  });

  describe("of the contract's transactions", () => {
    after(() => binlog?.stop());

    it("named every row that they changed, and no other", async function () {
      this.timeout(60_000);
      const transactions = await binlog.all();
      assert.ok(assertNamed(transactions, true).named > 300);
      const tables = new Set(transactions.flatMap(({ changed }) => changed.map((key) => key.split("/")[0])));
      assert.equal(tables.size, 8, `only of ${[...tables].join(", ")}`);
    });
  });

  describe("of a database", function () {
    this.timeout(60_000);
    let opened: OpenedStore;
    let admin: Connection;

    before(async () => {
      opened = await openTestStore();
      admin = await opened.database.connect();
    });
    after(() => opened?.close());

    async function user(): Promise<string> {
      const id = opened.nextId();
      const name = `u${id}`;
      await opened.store.createUser({ id, name, displayName: name, passwordHash: "hash", createdAt: someDay });
      return id;
    }

    async function entries(): Promise<string[][]> {
      const [rows] = await admin.query<RowDataPacket[]>("SELECT changed FROM outbox ORDER BY id");
      return rows.map(({ changed }) => JSON.parse(changed));
    }

    it("is empty until it is switched on", async () => {
      await user();
      assert.deepEqual(await entries(), []);
    });

    it("has nothing of a transaction that is undone, or that changes nothing", async () => {
      const [me, friend] = [await user(), await user()];
      await opened.store.setFollow(me, friend, true, someDay);
      const before = await entries();
      await switchOutbox(admin, true);
      await opened.store.setFollow(me, friend, true, someDay);
      await opened.store.setLike(me, "1", false, someDay);
      await assert.rejects(opened.store.deletePost("1", me), { code: "no_such_post" });
      const name = `u${me}`;
      const rival = { id: opened.nextId(), name, displayName: "", passwordHash: "", createdAt: someDay };
      await assert.rejects(opened.store.createUser(rival), { code: "name_taken" });
      await opened.store.countAttempt([{ subject: Buffer.alloc(32), limit: 1 }], 1, someDay);
      assert.deepEqual(await entries(), before);
      await opened.store.setFollow(me, friend, false, someDay);
      assert.deepEqual(
        (await entries()).at(-1)?.toSorted(),
        [`follows/${me}/${friend}`, `user_counters/${me}`, `user_counters/${friend}`].toSorted(),
      );
      await switchOutbox(admin, false);
    });

    it("misses no write that is committed after the switch, and the switch waits for those that are open", async () => {
      const { store, nextId, database } = opened;
      const binlog = await BinlogTransactions.start(database);
      const people = await Promise.all(Array.from({ length: 6 }, () => user()));
      let written = 0;
      let isOver = false;
      const writing = people.map(async (authorId, index) => {
        const friend = people[(index + 1) % people.length] as string;
        for (let step = 0; !isOver; step++) {
          const post = await store.createPost({ id: nextId(), authorId, text: "chirp", createdAt: someDay });
          await store.setLike(friend, post.id, true, someDay);
          await store.setFollow(authorId, friend, step % 2 === 0, someDay);
          written += 3;
        }
      });
      for (let round = 0; round < 12; round++) {
        const sofar = written;
        await until(() => written > sofar + 30, { describe: "writing goes on" });
        await switchOutbox(admin, round % 2 === 0);
      }
      isOver = true;
      await Promise.all(writing);
      const { named, unnamed } = assertNamed(await binlog.all(), false);
      binlog.stop();
      assert.ok(named > 100 && unnamed > 100, `${named} named, ${unnamed} not`);
    });

    it("is switched on only when a write that began before is over, which is then not in it", async () => {
      const { database, secrets } = opened;
      const credentials = async () => (await secrets.read("app"))!;
      const slow = new Database({ address: database.address, credentials });
      const me = BigInt(await user());
      const before = await entries();
      const { promise: held, resolve: release } = Promise.withResolvers<void>();
      const { promise: begun, resolve: hasBegun } = Promise.withResolvers<void>();
      const writing = slow.write(async (transaction) => {
        await transaction.count("user_counters", "posts", 1, me);
        hasBegun();
        await held;
      });
      await begun;
      let isOn = false;
      const switching = switchOutbox(admin, true).then(() => (isOn = true));
      const watcher = await database.connect();
      await lockWait(watcher, "the switch waits for the open write");
      assert.equal(isOn, false);
      release();
      await Promise.all([writing, switching]);
      assert.deepEqual(await entries(), before);
      await slow.write((transaction) => transaction.count("user_counters", "posts", -1, me));
      assert.deepEqual((await entries()).slice(before.length), [[`user_counters/${me}`]]);
      await slow.close();
      await switchOutbox(admin, false);
    });

    it("cannot be gone around: a statement must name the row it changes", async () => {
      const { database, secrets } = opened;
      const direct = new Database({ address: database.address, credentials: async () => (await secrets.read("app"))! });
      const me = BigInt(await user());
      const sql = "UPDATE users SET bio = 'x' WHERE id = ?";
      await assert.rejects(direct.execute(sql, [me]), /without naming it/);
      await assert.rejects(
        direct.write((transaction) => transaction.changeUnversioned(sql, [me])),
        /without naming it/,
      );
      await assert.rejects(
        direct.write((transaction) => transaction.change(["posts", me], sql, [me])),
        /declared to change a row of posts/,
      );
      await assert.rejects(
        direct.write((transaction) => transaction.change(["users", me, me], sql, [me])),
        /found by id, not by 2 columns/,
      );
      await direct.close();
      const [rows] = await admin.query<RowDataPacket[]>("SELECT bio FROM users WHERE id = ?", [String(me)]);
      assert.equal(rows[0]?.bio, "");
    });
  });
});
