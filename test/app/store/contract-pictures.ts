import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { Picture } from "../../../app/domain/pictures.ts";
import { type Fixture, someDay } from "./contract.ts";

/** Pictures of posts, and what is left to do when such a post is deleted. */
export function describePictures(fixture: () => Fixture): void {
  describe("pictures", () => {
    const picture = (name: string, alt = ""): Picture => ({ key: `media/1/${name}.png`, type: "image/png", alt });

    async function withPictures(media: readonly Picture[]): Promise<{ id: string; authorId: string }> {
      const { store, nextId, user } = fixture();
      const authorId = await user();
      const id = nextId();
      await store.createPost({ id, authorId, text: "", media, createdAt: someDay });
      return { id, authorId };
    }

    /** Everything there is to do, as other suites may leave something. */
    const toDo = async () => new Map((await fixture().store.removals(1000)).map(({ postId, keys }) => [postId, keys]));

    it("are found with their post everywhere, in their order", async () => {
      const { store } = fixture();
      const media = [picture("b", 'A "cat" 🐈\non a mat'), picture("a"), picture("c", "\\ 한국어"), picture("d")];
      const { id, authorId } = await withPictures(media);
      assert.deepEqual((await store.post(id))?.media, media);
      assert.deepEqual((await store.home(authorId, { limit: 5 })).items[0]?.media, media);
      assert.deepEqual((await store.userPosts(authorId, { limit: 5 })).items[0]?.media, media);
    });

    it("are to be removed when their post is deleted, until they have been", async () => {
      const { store } = fixture();
      const { id, authorId } = await withPictures([picture("one"), picture("two")]);
      assert.equal((await toDo()).has(id), false);
      await Promise.all([store.deletePost(id, authorId), store.deletePost(id, authorId)]);
      await store.deletePost(id, authorId);
      assert.deepEqual((await toDo()).get(id), ["media/1/one.png", "media/1/two.png"]);
      await store.removed(id);
      await store.removed(id);
      assert.equal((await toDo()).has(id), false);
      await store.deletePost(id, authorId);
      assert.equal((await toDo()).has(id), false);
    });

    it("of a post made with a key are found by it, also when the post is deleted", async () => {
      const { store, nextId, user } = fixture();
      const [authorId, other] = [await user(), await user()];
      const once = { key: randomBytes(32), fingerprint: randomBytes(32) };
      assert.equal(await store.postCreatedWith(authorId, once), undefined);
      const post = { id: nextId(), authorId, text: "", media: [picture("keyed")], createdAt: someDay };
      const created = await store.createPost(post, once);
      assert.deepEqual(await store.postCreatedWith(authorId, once), created);
      assert.equal(await store.postCreatedWith(other, once), undefined);
      const otherwise = { key: once.key, fingerprint: randomBytes(32) };
      await assert.rejects(store.postCreatedWith(authorId, otherwise), { code: "idempotency_key_reused" });
      await store.deletePost(post.id, authorId);
      assert.deepEqual(await store.postCreatedWith(authorId, once), created);
    });

    it("of a post that has none are not to be removed", async () => {
      const { store, user, post } = fixture();
      const authorId = await user();
      const id = await post(authorId);
      await store.deletePost(id, authorId);
      assert.equal((await toDo()).has(id), false);
    });
  });
}
