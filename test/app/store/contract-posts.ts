import assert from "node:assert/strict";
import fc from "fast-check";
import { normaliseText, postProblem } from "../../../app/domain/text.ts";
import type { Page, Post } from "../../../app/store/store.ts";
import { type Fixture, someDay } from "./contract.ts";
import { onceFor } from "./contract-accounts.ts";
import { describePictures } from "./contract-pictures.ts";

/** Posts and timelines. */
export function describePosts(fixture: () => Fixture): void {
  describe("posts", () => {
    it("are found as they were created", async () => {
      const { store, nextId, user } = fixture();
      const authorId = await user();
      const id = nextId();
      const created = await store.createPost({ id, authorId, text: "Hello\n☀️", createdAt: someDay + 1 });
      const name = (await store.user(authorId))?.name as string;
      assert.deepEqual(created, {
        id,
        text: "Hello\n☀️",
        createdAt: someDay + 1,
        author: { id: authorId, name, displayName: name },
        media: [],
        likes: 0,
        likedByMe: false,
      });
      assert.deepEqual(await store.post(id), created);
      assert.deepEqual(await store.post(id, authorId), created);
      assert.equal((await store.user(authorId))?.posts, 1);
      assert.equal(await store.post(nextId()), undefined);
    });

    it("keep every character of their text", async () => {
      const { store, nextId, user } = fixture();
      const authorId = await user();
      const texts = fc
        .string({ unit: "binary", minLength: 1, maxLength: 280 })
        .map(normaliseText)
        .filter((text) => postProblem(text) === undefined);
      await fc.assert(
        fc.asyncProperty(texts, async (text) => {
          const id = nextId();
          await store.createPost({ id, authorId, text, createdAt: someDay });
          assert.equal((await store.post(id))?.text, text);
        }),
        { numRuns: 50 },
      );
    });

    it("are created once, however often the same creation is repeated", async () => {
      const { store, nextId, user } = fixture();
      const authorId = await user();
      const post = { id: nextId(), authorId, text: "once", createdAt: someDay };
      await Promise.all([store.createPost(post), store.createPost(post), store.createPost(post)]);
      assert.equal((await store.user(authorId))?.posts, 1);
    });

    it("are created once per key, and the first is the answer to every retry", async () => {
      const { store, nextId, user } = fixture();
      const authorId = await user();
      const create = (author = authorId) =>
        store.createPost({ id: nextId(), authorId: author, text: "once", createdAt: someDay }, onceFor("key"));
      const results = await Promise.all([create(), create(), create(), create()]);
      const ids = new Set(results.map(({ id }) => id));
      assert.equal(ids.size, 1);
      assert.equal((await store.user(authorId))?.posts, 1);
      const [id] = ids;
      await store.deletePost(id as string, authorId);
      assert.equal((await create()).id, id);
      assert.notEqual((await create(await user())).id, id);
    });

    it("refuse a key that came with another request", async () => {
      const { store, nextId, user } = fixture();
      const authorId = await user();
      const post = () => ({ id: nextId(), authorId, text: "one", createdAt: someDay });
      await store.createPost(post(), onceFor("key", "one"));
      await assert.rejects(store.createPost({ ...post(), text: "two" }, onceFor("key", "two")), {
        code: "idempotency_key_reused",
      });
      assert.equal((await store.user(authorId))?.posts, 1);
    });

    it("are deleted by their author, for everybody, once", async () => {
      const { store, nextId, user, post } = fixture();
      const [authorId, other] = [await user(), await user()];
      const id = await post(authorId);
      await assert.rejects(store.deletePost(id, other), { code: "not_your_post", status: 403 });
      await Promise.all([store.deletePost(id, authorId), store.deletePost(id, authorId)]);
      await store.deletePost(id, authorId);
      assert.equal(await store.post(id), undefined);
      assert.deepEqual((await store.userPosts(authorId, { limit: 10 })).items, []);
      assert.equal((await store.user(authorId))?.posts, 0);
      await assert.rejects(store.deletePost(id, other), { code: "no_such_post", status: 404 });
      await assert.rejects(store.deletePost(nextId(), authorId), { code: "no_such_post", status: 404 });
    });
  });

  describePictures(fixture);

  describe("timelines", () => {
    const ids = ({ items }: Page<Post>) => items.map(({ id }) => id);

    async function readAll(read: (before: string | undefined) => Promise<Page<Post>>): Promise<string[]> {
      const all: string[] = [];
      let before: string | undefined;
      for (;;) {
        const page = await read(before);
        all.push(...ids(page));
        if (page.next === null) return all;
        before = page.next;
      }
    }

    it("of a user are theirs alone, newest first, page by page", async () => {
      const { store, user, post } = fixture();
      const [author, other] = [await user(), await user()];
      const posts: string[] = [];
      for (let count = 0; count < 7; count++) {
        posts.unshift(await post(author));
        await post(other);
      }
      const first = await store.userPosts(author, { limit: 3 });
      assert.deepEqual(ids(first), posts.slice(0, 3));
      assert.equal(first.next, posts[2]);
      assert.deepEqual(await readAll((before) => store.userPosts(author, { before, limit: 3 })), posts);
      assert.equal((await store.userPosts(author, { limit: 7 })).next, null);
      assert.deepEqual(await store.userPosts(author, { before: posts.at(-1), limit: 3 }), { items: [], next: null });
    });

    it("at home have the user's posts and those of whom they follow", async () => {
      const { store, user, post } = fixture();
      const [me, friend, stranger] = [await user(), await user(), await user()];
      await store.setFollow(me, friend, true, someDay);
      const posts = [await post(me), await post(friend), await post(stranger), await post(friend)];
      assert.deepEqual(ids(await store.home(me, { limit: 10 })), [posts[3], posts[1], posts[0]]);
      await store.deletePost(posts[1] as string, friend);
      assert.deepEqual(ids(await store.home(me, { limit: 10 })), [posts[3], posts[0]]);
      await store.setFollow(me, friend, false, someDay);
      assert.deepEqual(ids(await store.home(me, { limit: 10 })), [posts[0]]);
      assert.deepEqual(ids(await store.home(stranger, { limit: 10 })), [posts[2]]);
    });

    it("at home are complete, page by page, when more are followed than fit a page", async () => {
      const { store, user, post } = fixture();
      const me = await user();
      const friends = await Promise.all(Array.from({ length: 12 }, () => user()));
      for (const friend of friends) await store.setFollow(me, friend, true, someDay);
      const posts: string[] = [];
      // Uneven: some write often, one long ago only, one never.
      for (const [index, friend] of friends.slice(1).entries())
        for (let count = 0; count < 1 + (index % 4) * 2; count++) posts.unshift(await post(friend));
      posts.unshift(await post(me));
      for (const limit of [1, 4, 5, 100])
        assert.deepEqual(await readAll((before) => store.home(me, { before, limit })), posts, `limit ${limit}`);
    });

    it("show the viewer's likes", async () => {
      const { store, user, post } = fixture();
      const [me, author] = [await user(), await user()];
      await store.setFollow(me, author, true, someDay);
      const [liked] = [await post(author), await post(author)];
      await store.setLike(me, liked as string, true, someDay);
      const expected = [false, true];
      const seen = ({ items }: Page<Post>) => items.map(({ likedByMe }) => likedByMe);
      assert.deepEqual(seen(await store.home(me, { limit: 5 })), expected);
      assert.deepEqual(seen(await store.userPosts(author, { limit: 5 }, me)), expected);
      assert.deepEqual(seen(await store.userPosts(author, { limit: 5 })), [false, false]);
    });
  });
}
