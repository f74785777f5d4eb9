import assert from "node:assert/strict";
import { type Fixture, someDay } from "./contract.ts";

/** Follows and likes, and the numbers that count them. */
export function describeRelations(fixture: () => Fixture): void {
  describe("follows", () => {
    it("are set, not added", async () => {
      const { store, user } = fixture();
      const [me, friend] = [await user(), await user()];
      const friendName = (await store.user(friend))?.name as string;
      const numbers = async () => {
        const [mine, theirs] = [await store.user(me), await store.userByName(friendName, me)];
        return [mine?.following, mine?.followers, theirs?.followers, theirs?.followedByMe];
      };
      assert.deepEqual(await numbers(), [0, 0, 0, false]);
      for (let time = 0; time < 2; time++) await store.setFollow(me, friend, true, someDay);
      assert.deepEqual(await numbers(), [1, 0, 1, true]);
      for (let time = 0; time < 2; time++) await store.setFollow(me, friend, false, someDay);
      assert.deepEqual(await numbers(), [0, 0, 0, false]);
      await store.setFollow(me, friend, true, someDay);
      assert.deepEqual(await numbers(), [1, 0, 1, true]);
    });

    it("say whether the viewer follows, in searches too", async () => {
      const { store, user } = fixture();
      const [me, friend] = [await user(), await user()];
      await store.setFollow(me, friend, true, someDay);
      const name = (await store.user(friend))?.name as string;
      assert.equal((await store.searchUsers(name, 1, me))[0]?.followedByMe, true);
      assert.equal((await store.searchUsers(name, 1, friend))[0]?.followedByMe, false);
      assert.equal("followedByMe" in (await store.searchUsers(name, 1))[0]!, false);
    });

    it("of each other at once neither fail nor miscount", async () => {
      const { store, user } = fixture();
      const people = await Promise.all(Array.from({ length: 5 }, () => user()));
      const pairs = people.flatMap((a) => people.filter((b) => b !== a).map((b) => [a, b] as const));
      await Promise.all(pairs.flatMap(([a, b]) => [0, 1].map(() => store.setFollow(a, b, true, someDay))));
      for (const person of people) {
        const { followers, following } = (await store.user(person))!;
        assert.deepEqual([followers, following], [4, 4]);
      }
      await Promise.all(pairs.map(([a, b]) => store.setFollow(a, b, false, someDay)));
      for (const person of people) {
        const { followers, following } = (await store.user(person))!;
        assert.deepEqual([followers, following], [0, 0]);
      }
    });
  });

  describe("likes", () => {
    it("are set, not added", async () => {
      const { store, user, post } = fixture();
      const [me, author] = [await user(), await user()];
      const id = await post(author);
      const likes = async (viewer?: string) => {
        const found = await store.post(id, viewer);
        return [found?.likes, found?.likedByMe];
      };
      for (let time = 0; time < 2; time++) await store.setLike(me, id, true, someDay);
      await store.setLike(author, id, true, someDay);
      assert.deepEqual(
        [await likes(me), await likes()],
        [
          [2, true],
          [2, false],
        ],
      );
      for (let time = 0; time < 2; time++) await store.setLike(me, id, false, someDay);
      assert.deepEqual(await likes(me), [1, false]);
    });

    it("are refused for a post that is not there, and withdrawn in any case", async () => {
      const { store, nextId, user, post } = fixture();
      const me = await user();
      const id = await post(me);
      await store.deletePost(id, me);
      for (const missing of [id, nextId()]) {
        await assert.rejects(store.setLike(me, missing, true, someDay), { code: "no_such_post", status: 404 });
        await store.setLike(me, missing, false, someDay);
      }
    });

    it("of many at once are all counted", async () => {
      const { store, user, post } = fixture();
      const fans = await Promise.all(Array.from({ length: 15 }, () => user()));
      const id = await post(fans[0] as string);
      await Promise.all(fans.flatMap((fan) => [0, 1].map(() => store.setLike(fan, id, true, someDay))));
      assert.equal((await store.post(id))?.likes, 15);
    });
  });
}
