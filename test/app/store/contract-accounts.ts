import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import type { NewUser, Once } from "../../../app/store/store.ts";
import { type Fixture, someDay } from "./contract.ts";

/** An idempotency key with what it was used for. */
export function onceFor(key: string, asked = "request"): Once {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return { key: hash(key), fingerprint: hash(asked) };
}

/** Users, sessions and attempts to sign in. */
export function describeAccounts(fixture: () => Fixture): void {
  const newUser = (values: Partial<NewUser> = {}): NewUser => {
    const name = fixture().freshName();
    const defaults = { id: fixture().nextId(), name, displayName: name, passwordHash: "hash", createdAt: someDay };
    return { ...defaults, ...values };
  };

  describe("users", () => {
    it("are found by id and by name, in any case, as they were created", async () => {
      const { store, freshName } = fixture();
      const user = newUser({ name: freshName().toUpperCase(), displayName: "Ada ☀️ é" });
      const created = await store.createUser(user);
      const expected = {
        id: user.id,
        name: user.name,
        displayName: "Ada ☀️ é",
        bio: "",
        createdAt: someDay,
        posts: 0,
        followers: 0,
        following: 0,
      };
      assert.deepEqual(created, expected);
      assert.deepEqual(await store.user(user.id), expected);
      assert.deepEqual(await store.userByName(user.name.toLowerCase()), expected);
      assert.deepEqual(await store.credentials(user.name.toLowerCase()), { id: user.id, passwordHash: "hash" });
    });

    it("have names that nobody else has, in whatever case", async () => {
      const { store } = fixture();
      const user = newUser();
      await store.createUser(user);
      const rival = newUser({ name: user.name.toUpperCase() });
      await assert.rejects(store.createUser(rival), { code: "name_taken", status: 409 });
      assert.equal(await store.user(rival.id), undefined);
    });

    it("get a contested name only once", async () => {
      const { store, freshName } = fixture();
      const name = freshName();
      const rivals = Array.from({ length: 10 }, () => newUser({ name }));
      const results = await Promise.allSettled(rivals.map((rival) => store.createUser(rival)));
      const winners = results.filter((result) => result.status === "fulfilled");
      assert.equal(winners.length, 1);
      assert.equal((await store.userByName(name))?.id, winners[0]?.value.id);
    });

    it("are created once, however often the same creation is repeated", async () => {
      const { store } = fixture();
      const user = newUser();
      const results = await Promise.all([store.createUser(user), store.createUser(user), store.createUser(user)]);
      assert.deepEqual(new Set(results.map(({ id }) => id)), new Set([user.id]));
    });

    it("can be found by the key they were created with, and by no other", async () => {
      const { store } = fixture();
      const user = newUser();
      await store.createUser(user, onceFor("sign-up"));
      assert.equal((await store.createdWith(user.id, onceFor("sign-up")))?.id, user.id);
      assert.equal(await store.createdWith(user.id, onceFor("another")), undefined);
      await assert.rejects(store.createdWith(user.id, onceFor("sign-up", "another request")), {
        code: "idempotency_key_reused",
      });
    });

    it("are searched by the start of their names, in the order of names, with underscores taken literally", async () => {
      const { store } = fixture();
      for (const name of ["find_b", "FIND_a", "find_c", "findXd", "fin"]) await store.createUser(newUser({ name }));
      const names = async (prefix: string, limit = 10) =>
        (await store.searchUsers(prefix, limit)).map((user) => user.name);
      assert.deepEqual(await names("Find_"), ["FIND_a", "find_b", "find_c"]);
      assert.deepEqual(await names("find_", 2), ["FIND_a", "find_b"]);
      assert.deepEqual(await names("find"), ["FIND_a", "find_b", "find_c", "findXd"]);
      assert.deepEqual(await names("findy"), []);
    });

    it("who don't exist are not found", async () => {
      const { store, nextId, freshName } = fixture();
      assert.equal(await store.user(nextId()), undefined);
      assert.equal(await store.userByName(freshName()), undefined);
      assert.equal(await store.credentials(freshName()), undefined);
    });
  });

  describe("sessions", () => {
    it("hold from their start to their end", async () => {
      const { store, user } = fixture();
      const [userId, tokenHash] = [await user(), randomBytes(32)];
      assert.equal(await store.sessionHolds(userId, tokenHash, someDay), false);
      const session = { userId, tokenHash, createdAt: someDay, expiresAt: someDay + 1000 };
      await store.createSession(session);
      await store.createSession(session);
      assert.equal(await store.sessionHolds(userId, tokenHash, someDay), true);
      assert.equal(await store.sessionHolds(await user(), tokenHash, someDay), false);
      assert.equal(await store.sessionHolds(userId, randomBytes(32), someDay), false);
      assert.equal(await store.sessionHolds(userId, tokenHash, someDay + 1000), false);
      await store.endSession(userId, tokenHash);
      await store.endSession(userId, tokenHash);
      assert.equal(await store.sessionHolds(userId, tokenHash, someDay), false);
    });

    it("that have ended don't come back", async () => {
      const { store, user } = fixture();
      const session = { userId: await user(), tokenHash: randomBytes(32), createdAt: someDay, expiresAt: someDay + 9 };
      await store.createSession(session);
      await store.endSession(session.userId, session.tokenHash);
      await store.createSession(session);
      assert.equal(await store.sessionHolds(session.userId, session.tokenHash, someDay), false);
    });
  });

  describe("attempts to sign in", () => {
    const window = 60e6;

    it("are counted up to a limit, until the window is over", async () => {
      const { store } = fixture();
      const limits = [{ subject: randomBytes(32), limit: 3 }];
      for (let attempt = 0; attempt < 3; attempt++)
        assert.equal(await store.countAttempt(limits, window, someDay), undefined);
      assert.equal(await store.countAttempt(limits, window, someDay + 20e6), 40);
      assert.equal(await store.countAttempt(limits, window, someDay + window), undefined);
    });

    it("are refused when any of their limits is reached", async () => {
      const { store } = fixture();
      const narrow = { subject: randomBytes(32), limit: 1 };
      const wide = { subject: randomBytes(32), limit: 5 };
      assert.equal(await store.countAttempt([narrow, wide], window, someDay), undefined);
      assert.equal(await store.countAttempt([wide, narrow], window, someDay), 60);
      assert.equal(await store.countAttempt([wide], window, someDay), undefined);
    });

    it("are let through exactly as often as allowed when they come all at once", async () => {
      const { store } = fixture();
      const limits = [
        { subject: randomBytes(32), limit: 5 },
        { subject: randomBytes(32), limit: 100 },
      ];
      const attempts = Array.from({ length: 20 }, () => store.countAttempt(limits, window, someDay));
      const waits = await Promise.all(attempts);
      assert.equal(waits.filter((wait) => wait === undefined).length, 5);
    });

    it("that succeeded are taken back", async () => {
      const { store } = fixture();
      const limits = [{ subject: randomBytes(32), limit: 1 }];
      for (let attempt = 0; attempt < 5; attempt++) {
        assert.equal(await store.countAttempt(limits, window, someDay), undefined);
        await store.forgiveAttempt(limits.map(({ subject }) => subject));
      }
      await store.forgiveAttempt([randomBytes(32)]);
    });
  });
}
