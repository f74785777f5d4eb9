import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import type { Connection, RowDataPacket } from "mysql2/promise";
import { firstVersion, nextVersion } from "../../../app/domain/version.ts";
import { lockWait } from "../../support/lock-wait.ts";
import { onceFor } from "../store/contract-accounts.ts";
import { type OpenedStore, openTestStore } from "./opened.ts";

const someDay = Date.UTC(2024, 1, 29) * 1000;

/** Tables whose rows migrate, with their keys. */
const versioned: Record<string, string> = {
  users: "id",
  posts: "id",
  follows: "follower_id, followee_id",
  likes: "user_id, post_id",
  sessions: "user_id, HEX(token_hash)",
  idempotency_keys: "user_id, HEX(key_hash)",
  user_counters: "user_id",
  post_counters: "post_id",
};

describe("Rows in MySQL", function () {
  this.timeout(60_000);
  let opened: OpenedStore;
  let admin: Connection;

  before(async () => {
    opened = await openTestStore();
    admin = await opened.database.connect();
  });
  after(() => opened?.close());

  /** Every versioned row by table and key, with its content. */
  async function allRows(): Promise<Map<string, RowDataPacket>> {
    const rows = new Map<string, RowDataPacket>();
    for (const [table, key] of Object.entries(versioned)) {
      const [found] = await admin.query<RowDataPacket[]>(
        `SELECT CONCAT_WS('/', ${key}) AS row_key, t.* FROM ${table} t`,
      );
      for (const row of found) rows.set(`${table}/${row.row_key}`, row);
    }
    return rows;
  }

  async function setEpoch(epoch: bigint): Promise<void> {
    await admin.query("UPDATE control SET epoch = ? WHERE id = 1", [Number(epoch)]);
  }

  async function user(): Promise<string> {
    const id = opened.nextId();
    const name = `u${id}`;
    await opened.store.createUser({ id, name, displayName: name, passwordHash: "hash", createdAt: someDay });
    return id;
  }

  const person = fc.nat(2);
  const change = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("post" as const), by: person, keyed: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), which: fc.nat(5) }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("follow" as const), by: person, whom: person, holds: fc.boolean() }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("like" as const), by: person, which: fc.nat(5), holds: fc.boolean() }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("session" as const), by: person, ends: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("epoch" as const) }) },
  );
  type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

  it("change their version with every change and with nothing else, and never go", async () => {
    let epoch = 1n;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 15 }), async (changes) => {
        const people = [await user(), await user(), await user()];
        const posts: { id: string; author: string }[] = [];
        const sessions: Buffer[] = [];
        let before = await allRows();
        for (const step of changes) {
          if (step.kind === "epoch") await setEpoch((epoch += 1n));
          else await apply(step, people, posts, sessions);
          const after = await allRows();
          compare(before, after, epoch);
          before = after;
        }
      }),
      { numRuns: 20 },
    );
  });

  async function apply(
    step: Exclude<Change, { kind: "epoch" }>,
    people: string[],
    posts: { id: string; author: string }[],
    sessions: Buffer[],
  ): Promise<void> {
    const { store, nextId } = opened;
    const by = people["by" in step ? step.by : 0] as string;
    const chosen = "which" in step ? posts.at(-1 - step.which) : undefined;
    if (step.kind === "post") {
      const once = step.keyed ? onceFor(String(posts.length % 2)) : undefined;
      const post = await store.createPost({ id: nextId(), authorId: by, text: "chirp", createdAt: someDay }, once);
      posts.push({ id: post.id, author: by });
    } else if (step.kind === "delete" && chosen) await store.deletePost(chosen.id, chosen.author);
    else if (step.kind === "follow" && step.by !== step.whom)
      await store.setFollow(by, people[step.whom] as string, step.holds, someDay);
    else if (step.kind === "like" && chosen)
      await store.setLike(by, chosen.id, step.holds, someDay).catch((error) => {
        if (error.code !== "no_such_post") throw error;
      });
    else if (step.kind === "session" && !step.ends) {
      const tokenHash = randomBytes(32);
      sessions.push(tokenHash);
      await store.createSession({ userId: by, tokenHash, createdAt: someDay, expiresAt: someDay + 1 });
    } else if (step.kind === "session") {
      for (const tokenHash of sessions) await store.endSession(by, tokenHash);
    }
  }

  function compare(before: Map<string, RowDataPacket>, after: Map<string, RowDataPacket>, epoch: bigint): void {
    const content = ({ version: _, ...rest }: RowDataPacket) => JSON.stringify(rest);
    for (const [key, old] of before) {
      const now = after.get(key);
      assert.ok(now, `${key} is gone`);
      const expected = content(old) === content(now) ? BigInt(old.version) : nextVersion(BigInt(old.version), epoch);
      assert.equal(BigInt(now.version), expected, key);
    }
    for (const [key, row] of after)
      if (!before.has(key)) assert.equal(BigInt(row.version), firstVersion(epoch), `${key} is new`);
  }

  it("count what they count", async () => {
    const differences = {
      posts: `SELECT u.user_id FROM user_counters u WHERE posts <>
        (SELECT COUNT(*) FROM posts p WHERE p.author_id = u.user_id AND deleted = 0)`,
      followers: `SELECT u.user_id FROM user_counters u WHERE followers <>
        (SELECT COUNT(*) FROM follows f WHERE f.followee_id = u.user_id AND deleted = 0)`,
      following: `SELECT u.user_id FROM user_counters u WHERE following <>
        (SELECT COUNT(*) FROM follows f WHERE f.follower_id = u.user_id AND deleted = 0)`,
      likes: `SELECT c.post_id FROM post_counters c WHERE likes <>
        (SELECT COUNT(*) FROM likes l WHERE l.post_id = c.post_id AND deleted = 0)`,
    };
    for (const [counter, sql] of Object.entries(differences)) {
      const [wrong] = await admin.query<RowDataPacket[]>(sql);
      assert.deepEqual(wrong, [], counter);
    }
  });

  it("have no foreign keys, whose cascades the binlog would not show", async () => {
    const [keys] = await admin.query<RowDataPacket[]>(
      "SELECT * FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE()",
    );
    assert.deepEqual(keys, []);
  });

  describe("under the control row", () => {
    const firstUser = async () => [await user(), await user()] as const;

    afterEach(() => admin.query("UPDATE control SET record = 'mysql' WHERE id = 1"));

    it("are not written while another store is the record, but read", async () => {
      const { store, nextId } = opened;
      const [me, friend] = await firstUser();
      const post = await store.createPost({ id: nextId(), authorId: me, text: "before", createdAt: someDay });
      const before = await allRows();
      await admin.query("UPDATE control SET record = 'dynamodb' WHERE id = 1");
      const newUser = { id: nextId(), name: "late", displayName: "Late", passwordHash: "", createdAt: someDay };
      const writes = {
        createUser: () => store.createUser(newUser),
        createSession: () =>
          store.createSession({ userId: me, tokenHash: randomBytes(32), createdAt: someDay, expiresAt: someDay }),
        endSession: () => store.endSession(me, randomBytes(32)),
        createPost: () => store.createPost({ id: nextId(), authorId: me, text: "late", createdAt: someDay }),
        deletePost: () => store.deletePost(post.id, me),
        setFollow: () => store.setFollow(me, friend, true, someDay),
        setLike: () => store.setLike(friend, post.id, true, someDay),
        countAttempt: () => store.countAttempt([{ subject: randomBytes(32), limit: 1 }], 1, someDay),
        forgiveAttempt: () => store.forgiveAttempt([randomBytes(32)]),
      };
      for (const [name, write] of Object.entries(writes))
        await assert.rejects(write(), { status: 503, code: "moving_house", retryAfter: 1 }, name);
      assert.deepEqual(await allRows(), before);
      assert.equal((await store.post(post.id))?.text, "before");
    });

    it("cannot be changed while its own change waits: it waits for open writes and stops later ones", async () => {
      const { database, store, nextId } = opened;
      const [me] = await firstUser();
      const open = await database.connect();
      await open.query("START TRANSACTION");
      await open.query("SELECT * FROM control WHERE id = 1 LOCK IN SHARE MODE");
      let isChanged = false;
      const fence = admin.query("UPDATE control SET record = 'dynamodb' WHERE id = 1").then(() => {
        isChanged = true;
      });
      const watcher = await database.connect();
      await lockWait(watcher, "the change waits for the open write");
      assert.equal(isChanged, false);
      const late = store.createPost({ id: nextId(), authorId: me, text: "late", createdAt: someDay });
      const refused = assert.rejects(late, { code: "moving_house" });
      await open.query("COMMIT");
      await fence;
      await refused;
    });
  });

  it("cannot be removed, nor the schema changed, by the servers' user", async () => {
    const connection = await opened.connectAsServer();
    try {
      for (const statement of [
        "DELETE FROM posts",
        "TRUNCATE TABLE posts",
        "REPLACE INTO post_counters (post_id) VALUES (1)",
        "DROP TABLE posts",
        "ALTER TABLE posts ADD COLUMN x INT",
        "CREATE TABLE x (id INT)",
      ])
        await assert.rejects(connection.query(statement), { code: "ER_TABLEACCESS_DENIED_ERROR" }, statement);
    } finally {
      await connection.end();
    }
  });
});
