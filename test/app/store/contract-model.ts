import assert from "node:assert/strict";
import fc from "fast-check";
import type { Post } from "../../../app/store/store.ts";
import { type Fixture, someDay } from "./contract.ts";

const people = 4;
const person = fc.nat(people - 1);
/** Which of the posts made so far, counted from the newest. */
const which = fc.nat(9);

const operation = fc.oneof(
  fc.record({ kind: fc.constant("post" as const), by: person }),
  fc.record({ kind: fc.constant("delete" as const), by: person, which }),
  fc.record({ kind: fc.constant("follow" as const), by: person, whom: person, holds: fc.boolean() }),
  fc.record({ kind: fc.constant("like" as const), by: person, which, holds: fc.boolean() }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

interface ModelPost {
  readonly id: string;
  readonly author: number;
  deleted: boolean;
  readonly likers: Set<number>;
}

/** Random lives of a few people, compared with a model that fits on a screen. */
export function describeModel(fixture: () => Fixture): void {
  it("agrees with a simple model after any sequence of operations", async function () {
    this.timeout(120_000);
    const sequences = fc.array(operation, { minLength: 1, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(sequences, (operations) => live(fixture(), operations)),
      { numRuns: 25 },
    );
  });
}

async function live({ store, user, post }: Fixture, operations: Operation[]): Promise<void> {
  const users = await Promise.all(Array.from({ length: people }, () => user()));
  const id = (index: number) => users[index] as string;
  const posts: ModelPost[] = [];
  const follows = users.map(() => new Set<number>());

  for (const step of operations) {
    const chosen = "which" in step ? posts.at(-1 - step.which) : undefined;
    if (step.kind === "post") {
      posts.push({ id: await post(id(step.by)), author: step.by, deleted: false, likers: new Set() });
    } else if (step.kind === "follow" && step.by !== step.whom) {
      await store.setFollow(id(step.by), id(step.whom), step.holds, someDay);
      follows[step.by]?.[step.holds ? "add" : "delete"](step.whom);
    } else if (step.kind === "delete" && chosen) {
      const isTheirs = chosen.author === step.by;
      const deletion = store.deletePost(chosen.id, id(step.by));
      if (isTheirs) await deletion;
      else await assert.rejects(deletion, { code: chosen.deleted ? "no_such_post" : "not_your_post" });
      chosen.deleted ||= isTheirs;
    } else if (step.kind === "like" && chosen) {
      const like = store.setLike(id(step.by), chosen.id, step.holds, someDay);
      if (chosen.deleted && step.holds) await assert.rejects(like, { code: "no_such_post" });
      else await like;
      if (!chosen.deleted || !step.holds) chosen.likers[step.holds ? "add" : "delete"](step.by);
    }
  }

  const seen = (found: Post[]) => found.map((post) => [post.id, post.author.id, post.likes, post.likedByMe]);
  for (const viewer of users.keys()) {
    const expected = (authors: (author: number) => boolean) =>
      posts
        .filter(({ author, deleted }) => !deleted && authors(author))
        .reverse()
        .map(({ id: postId, author, likers }) => [postId, id(author), likers.size, likers.has(viewer)]);
    const home = await store.home(id(viewer), { limit: 100 });
    assert.deepEqual(
      seen(home.items),
      expected((author) => author === viewer || follows[viewer]?.has(author) === true),
    );
    const own = await store.userPosts(id(viewer), { limit: 100 }, id(viewer));
    assert.deepEqual(
      seen(own.items),
      expected((author) => author === viewer),
    );
    const { posts: count, followers, following } = (await store.user(id(viewer)))!;
    assert.deepEqual(
      { count, followers, following },
      {
        count: own.items.length,
        followers: follows.filter((followed) => followed.has(viewer)).length,
        following: follows[viewer]?.size,
      },
    );
  }
}
