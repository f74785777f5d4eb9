import assert from "node:assert/strict";
import fc from "fast-check";
import { inPartitions } from "../../../app/events/batch.ts";
import { changeOf, type StreamRecord } from "../../../app/events/change.ts";
import { makeVersion } from "../../../app/domain/version.ts";
import { withOrigin } from "../../../app/store/dynamodb/apply.ts";
import type { Item } from "../../../app/store/dynamodb/items.ts";
import { itemsOf } from "../../../app/store/dynamodb/mapping.ts";

const record = (NewImage?: Item, OldImage?: Item): StreamRecord => ({
  dynamodb: { ...(NewImage ? { NewImage } : {}), ...(OldImage ? { OldImage } : {}) },
});
const post = (deleted: boolean, epoch = 3n) =>
  itemsOf("posts", {
    id: "9007199254740993",
    author_id: "5",
    text: "",
    media: null,
    created_at: 1,
    deleted,
    version: makeVersion(epoch, 1n),
  });
const follow = (deleted: boolean) =>
  itemsOf("follows", { follower_id: "8", followee_id: "5", created_at: 1, deleted, version: 7n });

describe("A stream record", () => {
  it("of a post says that it was posted, or deleted, and in which epoch", () => {
    const [is, was] = [post(false)[0], post(true, 4n)[0]];
    const named = { author: "5", post: "9007199254740993" };
    assert.deepEqual(changeOf(record(is)), { kind: "posted", ...named, epoch: 3n });
    assert.deepEqual(changeOf(record(was, is)), { kind: "deleted", ...named, epoch: 4n });
  });

  it("of a follow is taken once, from the side of whom is followed, where it is in order with their posts", () => {
    const [[following, follower], [, ended]] = [follow(false), follow(true)];
    const edge = { kind: "edge", author: "5", follower: "8", version: 7n };
    assert.deepEqual(changeOf(record(follower)), edge);
    assert.deepEqual(changeOf(record(ended, follower)), edge);
    assert.deepEqual(changeOf(record(follower, ended)), edge);
    assert.equal(changeOf(record(following)), undefined);
  });

  it("means nothing when what is there has not changed, or another store changed it, or it is about something else", () => {
    const [[is, lookup], [gone]] = [post(false), post(true)];
    assert.equal(changeOf(record(is, is)), undefined);
    assert.equal(changeOf(record(gone)), undefined);
    assert.equal(changeOf(record(gone, gone)), undefined);
    assert.equal(changeOf(record(undefined, is)), undefined);
    assert.equal(changeOf(record(lookup)), undefined);
    assert.equal(changeOf({}), undefined);
    assert.equal(changeOf(record(withOrigin(is, "cdc"))), undefined);
    // What counts is who made this change, not who made the one before.
    assert.equal(changeOf(record(gone, withOrigin(is, "backfill")))?.kind, "deleted");
    const counted = itemsOf("post_counters", { post_id: "1", likes: 1, version: 1n })[0];
    assert.equal(changeOf(record(counted)), undefined);
  });
});

describe("A batch of stream records", () => {
  const numbered = (pk: string, number: number): StreamRecord => ({
    dynamodb: { Keys: { pk: { S: pk } }, SequenceNumber: String(number) },
  });

  it("is worked on in order within a partition; a failure holds up its own partition only", () => {
    const partitions = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 30 });
    return fc.assert(
      fc.asyncProperty(partitions, fc.array(fc.nat(29)), async (pks, failing) => {
        const records = pks.map(numbered);
        const fails = new Set(failing.map(String));
        const done: string[] = [];
        const { batchItemFailures } = await inPartitions(
          records,
          async ({ dynamodb }) => {
            await new Promise((resolve) => setImmediate(resolve));
            if (fails.has(dynamodb?.SequenceNumber as string)) throw new Error("no");
            done.push(dynamodb?.SequenceNumber as string);
          },
          () => {},
        );
        const expected = ["a", "b", "c", "d"].map((pk) => {
          const own = records.filter(({ dynamodb }) => dynamodb?.Keys?.pk?.S === pk);
          const numbers = own.map(({ dynamodb }) => dynamodb?.SequenceNumber as string);
          const cut = numbers.findIndex((number) => fails.has(number));
          return { done: cut < 0 ? numbers : numbers.slice(0, cut), failed: cut < 0 ? undefined : numbers[cut] };
        });
        for (const { done: inOrder } of expected)
          assert.deepEqual(
            done.filter((number) => inOrder.includes(number)),
            inOrder,
          );
        assert.equal(done.length, expected.flatMap((partition) => partition.done).length);
        assert.deepEqual(
          new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)),
          new Set(expected.flatMap(({ failed }) => failed ?? [])),
        );
      }),
    );
  });
});
