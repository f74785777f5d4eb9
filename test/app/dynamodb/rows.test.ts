import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { errors } from "../../../app/domain/errors.ts";
import { Snowflakes } from "../../../app/domain/snowflake.ts";
import { firstVersion, nextVersion } from "../../../app/domain/version.ts";
import { applyItem } from "../../../app/store/dynamodb/apply.ts";
import type { Item } from "../../../app/store/dynamodb/items.ts";
import {
  contentOf,
  isOfRow,
  itemsOf,
  keyOf,
  originAttribute,
  rowKey,
  rowOf,
  versionOf,
} from "../../../app/store/dynamodb/mapping.ts";
import type { StoreOfRecord, WritePermit } from "../../../app/store/dynamodb/record.ts";
import { dynamoStore } from "../../../app/store/dynamodb/store.ts";
import type { Store } from "../../../app/store/store.ts";
import { sharedEmulator, type TestTable, testTable } from "../../support/test-dynamo.ts";
import { onceFor } from "../store/contract-accounts.ts";

const someDay = Date.UTC(2024, 1, 29) * 1000;

describe("Rows in DynamoDB", function () {
  this.timeout(120_000);
  let made: TestTable;
  let store: Store;
  let epoch = 1n;
  let permit: () => WritePermit;
  const ids = new Snowflakes(() => Date.now());
  ids.use({ worker: 0, from: 0, until: Number.MAX_SAFE_INTEGER });
  const nextId = () => ids.next();
  let names = 0;

  const permitted = (): WritePermit => ({ epoch, deadline: Number.POSITIVE_INFINITY, confirm: () => {} });

  beforeEach(async () => {
    await sharedEmulator();
    made = await testTable();
    epoch = 1n;
    permit = permitted;
    const record: StoreOfRecord = { epoch: () => epoch, permit: () => permit() };
    store = dynamoStore(made.table, record);
  });

  async function user(): Promise<string> {
    const [id, name] = [nextId(), `user_${++names}`];
    await store.createUser({ id, name, displayName: name, passwordHash: "", createdAt: someDay });
    return id;
  }

  /** Every item of a row, by its key. */
  async function allItems(): Promise<Map<string, Item>> {
    const items = new Map<string, Item>();
    for await (const item of scan(made.client, made.table.name))
      if (isOfRow(item)) items.set(JSON.stringify(keyOf(item)), item);
    return items;
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

  it("change their version with every change and with nothing else, never go, and count what they count", () =>
    fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 15 }), async (changes) => {
        const people = [await user(), await user(), await user()];
        const posts: { id: string; author: string }[] = [];
        const sessions: Buffer[] = [];
        let before = await allItems();
        for (const step of changes) {
          if (step.kind === "epoch") epoch += 1n;
          else await perform(step, people, posts, sessions);
          const after = await allItems();
          compare(before, after, epoch);
          before = after;
        }
        assertWhole(before);
        assertCounted(before);
      }),
      { numRuns: 15 },
    ));

  async function perform(
    step: Exclude<Change, { kind: "epoch" }>,
    people: string[],
    posts: { id: string; author: string }[],
    sessions: Buffer[],
  ): Promise<void> {
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
    } else if (step.kind === "session") for (const tokenHash of sessions) await store.endSession(by, tokenHash);
  }

  /** Versions move with content, and by the rule. */
  function compare(before: Map<string, Item>, after: Map<string, Item>, current: bigint): void {
    const content = ({ version: _, ...rest }: Item) => contentOf(rest);
    for (const [key, old] of before) {
      const now = after.get(key);
      assert.ok(now, `${key} is gone`);
      const table = rowOf(now);
      if (!table) continue;
      const isChanged = content(old) !== content(now);
      const expected = isChanged ? nextVersion(versionOf(old), current) : versionOf(old);
      assert.equal(versionOf(now), expected, key);
    }
    for (const [key, item] of after)
      if (!before.has(key)) assert.equal(versionOf(item), firstVersion(current), `${key} is new`);
  }

  /** A row's items all are as the mapping makes them from the whole row. */
  function assertWhole(items: Map<string, Item>): void {
    let expected = 0;
    for (const item of items.values()) {
      const found = rowOf(item);
      if (!found) continue;
      for (const mapped of itemsOf(found.table, found.row as never)) {
        expected += 1;
        const there = items.get(JSON.stringify(keyOf(mapped)));
        assert.equal(there && contentOf(there), contentOf(mapped), rowKey(found.table, found.row as never));
      }
    }
    assert.equal(items.size, expected);
  }

  function assertCounted(items: Map<string, Item>): void {
    const rows = [...items.values()].flatMap((item) => rowOf(item) ?? []);
    const there = <N extends string>(name: N) =>
      rows.flatMap(({ table, row }) =>
        table === name && !(row as { deleted: boolean }).deleted ? [row as never] : [],
      );
    const count = (list: Record<string, string>[], column: string, id: string) =>
      list.filter((row) => row[column] === id).length;
    for (const { table, row } of rows) {
      if (table === "post_counters") assert.equal(row.likes, count(there("likes"), "post_id", row.post_id));
      if (table !== "user_counters") continue;
      const { user_id: id, posts, followers, following } = row;
      assert.deepEqual(
        [posts, followers, following],
        [
          count(there("posts"), "author_id", id),
          count(there("follows"), "followee_id", id),
          count(there("follows"), "follower_id", id),
        ],
      );
    }
  }

  it("that another store wrote lose their origin when this store changes them", async () => {
    const [me, friend] = [await user(), await user()];
    epoch = 5n;
    const applied = async (items: Item[]) => {
      for (const item of items) assert.equal(await applyItem(made.client, made.table.name, item, "cdc"), "applied");
    };
    const version = firstVersion(3n) + 7n;
    const edge = { follower_id: me, followee_id: friend, created_at: 1, deleted: false, version };
    await applied(itemsOf("follows", edge));
    await applied(itemsOf("user_counters", { user_id: me, posts: 0, followers: 0, following: 1, version }));
    await store.setFollow(me, friend, false, someDay);
    const items = [...(await allItems()).values()].filter(
      (item) => rowOf(item)?.table === "follows" || keyOf(item).pk === `u#${me}`,
    );
    for (const item of items) assert.equal(item[originAttribute], undefined);
    const found = items.map(rowOf).find((row) => row?.table === "follows");
    assert.deepEqual(found?.row, { ...edge, deleted: true, version: firstVersion(5n) });
    assert.equal((await store.user(me))?.following, 0);
  });

  describe("under the record of which store is the record", () => {
    async function writes(): Promise<Record<string, () => Promise<unknown>>> {
      const [me, friend] = [await user(), await user()];
      const newPost = () => ({ id: nextId(), authorId: me, text: "before", createdAt: someDay });
      const [liked, deleted] = [await store.createPost(newPost()), await store.createPost(newPost())];
      const session = { userId: me, tokenHash: randomBytes(32), createdAt: someDay, expiresAt: someDay };
      await store.createSession(session);
      const late = { id: nextId(), name: `late_${++names}`, displayName: "", passwordHash: "", createdAt: someDay };
      return {
        createUser: () => store.createUser(late),
        createSession: () => store.createSession({ ...session, tokenHash: randomBytes(32) }),
        endSession: () => store.endSession(me, session.tokenHash),
        createPost: () => store.createPost(newPost()),
        setFollow: () => store.setFollow(me, friend, true, someDay),
        setLike: () => store.setLike(friend, liked.id, true, someDay),
        deletePost: () => store.deletePost(deleted.id, me),
      };
    }

    it("are not written while another store is the record, but read", async () => {
      const all = await writes();
      const before = await allItems();
      permit = () => {
        throw errors.notTheRecord("mysql");
      };
      for (const [name, write] of Object.entries(all)) await assert.rejects(write(), { code: "moving_house" }, name);
      assert.deepEqual(await allItems(), before);
      assert.equal((await store.searchUsers("late", 1)).length, 0);
    });

    it("are not written after the permission's deadline", async () => {
      const all = await writes();
      const before = await allItems();
      permit = () => ({ ...permitted(), deadline: performance.now() - 1 });
      for (const [name, write] of Object.entries(all)) await assert.rejects(write(), { status: 503 }, name);
      assert.deepEqual(await allItems(), before);
    });

    it("are not acknowledged when the permission has run out meanwhile, and are found by the retry", async () => {
      const all = await writes();
      const ranOut = () => {
        throw errors.notTheRecord("nobody knows");
      };
      permit = () => ({ ...permitted(), confirm: ranOut });
      for (const [name, write] of Object.entries(all)) await assert.rejects(write(), { code: "moving_house" }, name);
      permit = permitted;
      const before = await allItems();
      for (const [name, write] of Object.entries(all))
        if (name !== "createPost" && name !== "createSession") await write();
      // What was written counts: doing it again changed nothing.
      assert.deepEqual(new Map([...(await allItems())].filter(([key]) => before.has(key))), before);
    });
  });
});

async function* scan(client: DynamoDBClient, TableName: string): AsyncGenerator<Item, void, void> {
  let ExclusiveStartKey: Item | undefined;
  do {
    const command = new ScanCommand({
      TableName,
      ConsistentRead: true,
      ...(ExclusiveStartKey ? { ExclusiveStartKey } : {}),
    });
    const { Items = [], LastEvaluatedKey } = await client.send(command);
    yield* Items;
    ExclusiveStartKey = LastEvaluatedKey;
  } while (ExclusiveStartKey);
}
