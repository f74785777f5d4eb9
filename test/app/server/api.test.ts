import assert from "node:assert/strict";
import type { ApiClient } from "../../support/api-client.ts";
import { startTestService, type TestService } from "../../support/test-service.ts";

describe("The API", function () {
  this.timeout(30_000);
  let service: TestService;
  let ada: ApiClient;
  let bob: ApiClient;

  before(async () => {
    service = await startTestService();
    [ada, bob] = [await service.signUp("Ada"), await service.signUp("bob")];
  });
  after(() => service?.stop());

  async function post(author: ApiClient, text = "Hello"): Promise<string> {
    const { status, body } = await author.post("/api/posts", { text });
    assert.equal(status, 201);
    return body.post.id;
  }

  it("shows a post as documented", async () => {
    const { body } = await ada.post("/api/posts", { text: "  e\u0301\r\n☀️ " });
    const { id, createdAt, author, ...rest } = body.post;
    assert.match(id, /^\d{18,19}$/);
    assert.match(createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(Math.abs(Date.parse(createdAt) - Date.now()) < 60_000);
    assert.deepEqual(Object.keys(author), ["id", "name", "displayName"]);
    assert.deepEqual(rest, { text: "é\n☀️", media: [], likes: 0, likedByMe: false });
    assert.deepEqual((await service.client().get(`/api/posts/${id}`)).body, body);
  });

  it("shows a user as documented, with followedByMe only to those signed in", async () => {
    await bob.put("/api/users/ada/follow");
    const { body } = await bob.get("/api/users/ADA");
    const { id, createdAt, posts, ...rest } = body.user;
    assert.match(id, /^\d{18,19}$/);
    assert.match(createdAt, /Z$/);
    assert.equal(typeof posts, "number");
    assert.deepEqual(rest, {
      name: "Ada",
      displayName: "Ada",
      bio: "",
      followers: 1,
      following: 0,
      followedByMe: true,
    });
    assert.equal("followedByMe" in (await service.client().get("/api/users/ada")).body.user, false);
    const found = await bob.get("/api/users?query=@aD");
    assert.deepEqual(found.body.users, [body.user]);
    assert.deepEqual((await bob.get("/api/users?query=%25")).body.users, []);
  });

  it("pages through timelines", async () => {
    const [reader, writer] = [await service.signUp("reader"), await service.signUp("writer")];
    await reader.put("/api/users/writer/follow");
    const ids: string[] = [];
    for (let count = 0; count < 5; count++) ids.unshift(await post(writer, `Post ${count}`));
    for (const path of ["/api/home", "/api/users/writer/posts"]) {
      const first = (await reader.get(`${path}?limit=3`)).body;
      assert.deepEqual(
        first.posts.map(({ id }: { id: string }) => id),
        ids.slice(0, 3),
      );
      const second = (await reader.get(`${path}?limit=3&before=${first.next}`)).body;
      assert.deepEqual(
        second.posts.map(({ id }: { id: string }) => id),
        ids.slice(3),
      );
      assert.equal(second.next, null);
    }
  });

  it("likes, unlikes, follows and unfollows as often as asked", async () => {
    const id = await post(ada);
    for (const [send, path, status] of [
      ["put", `/api/posts/${id}/like`, 204],
      ["put", "/api/users/ada/follow", 204],
      ["delete", `/api/posts/${id}/like`, 204],
      ["delete", "/api/users/ada/follow", 204],
    ] as const) {
      for (let time = 0; time < 2; time++) assert.equal((await bob[send](path)).status, status, path);
      const likes = (await bob.get(`/api/posts/${id}`)).body.post;
      if (path.endsWith("like")) assert.equal(likes.likedByMe, send === "put");
      else assert.equal((await bob.get("/api/users/ada")).body.user.followedByMe, send === "put");
    }
  });

  it("deletes posts of their author only", async () => {
    const id = await post(ada);
    assert.equal((await bob.delete(`/api/posts/${id}`)).status, 403);
    assert.equal((await service.client().delete(`/api/posts/${id}`)).status, 401);
    assert.equal((await ada.delete(`/api/posts/${id}`)).status, 204);
    assert.equal((await ada.delete(`/api/posts/${id}`)).status, 204);
    assert.equal((await ada.get(`/api/posts/${id}`)).status, 404);
  });

  it("creates once per Idempotency-Key", async () => {
    const key = { "Idempotency-Key": "key-1" };
    const first = await ada.post("/api/posts", { text: "once" }, key);
    const again = await ada.post("/api/posts", { text: "once" }, key);
    assert.deepEqual([again.status, again.body], [201, first.body]);
    const other = await ada.post("/api/posts", { text: "twice" }, key);
    assert.deepEqual([other.status, other.body.error.code], [409, "idempotency_key_reused"]);
    assert.equal((await bob.post("/api/posts", { text: "once" }, key)).status, 201);
    const long = await ada.post("/api/posts", { text: "x" }, { "Idempotency-Key": "x".repeat(65) });
    assert.deepEqual([long.status, long.body.error.code], [400, "malformed_request"]);
  });

  it("signs up once per Idempotency-Key, for whoever knows the password", async () => {
    const key = { "Idempotency-Key": "sign-up-1" };
    const request = { name: "Grace", password: "a good password" };
    const first = await service.client().post("/api/signup", request, key);
    const retrying = service.client();
    const again = await retrying.post("/api/signup", request, key);
    assert.deepEqual([again.status, again.body], [201, first.body]);
    assert.equal((await retrying.get("/api/me")).body.user.name, "Grace");
    const thief = service.client();
    assert.equal((await thief.post("/api/signup", { ...request, password: "a bad password" }, key)).status, 409);
    assert.equal((await thief.get("/api/me")).status, 401);
    assert.equal((await thief.post("/api/signup", request, { "Idempotency-Key": "sign-up-2" })).status, 409);
  });

  it("refuses input with every problem at once, by field", async () => {
    const { status, body } = await service
      .client()
      .post("/api/signup", { name: "no spaces", password: "short", displayName: "x".repeat(51) });
    assert.equal(status, 400);
    assert.equal(body.error.code, "invalid_input");
    assert.deepEqual(Object.keys(body.error.fields), ["name", "password", "displayName"]);
    const nothing = await service.client().post("/api/signup");
    assert.deepEqual(nothing.body.error.fields, { name: "Give a name.", password: "Give a password." });
  });

  it("refuses wrong texts, pages, ids and paths with the documented answers", async () => {
    const cases: [Promise<{ status: number; body: { error: { code: string } } }>, number, string][] = [
      [ada.post("/api/posts", { text: " " }), 400, "invalid_input"],
      [ada.post("/api/posts", { text: "x".repeat(281) }), 400, "invalid_input"],
      [ada.post("/api/posts", { text: 7 }), 400, "invalid_input"],
      [ada.post("/api/posts", "{bad"), 400, "malformed_request"],
      [ada.post("/api/posts", { text: "x".repeat(70_000) }), 413, "body_too_large"],
      [ada.get("/api/home?limit=0"), 400, "invalid_input"],
      [ada.get("/api/home?limit=101"), 400, "invalid_input"],
      [ada.get("/api/home?before=x"), 400, "invalid_input"],
      [ada.get("/api/home?before=9223372036854775808"), 400, "invalid_input"],
      [ada.get("/api/posts/x"), 404, "no_such_post"],
      [ada.get("/api/posts/99999999999999999999"), 404, "no_such_post"],
      [ada.put("/api/posts/1/like"), 404, "no_such_post"],
      [ada.get("/api/users/nobody_here"), 404, "no_such_user"],
      [ada.get("/api/users/no%20body"), 404, "no_such_user"],
      [ada.put("/api/users/nobody_here/follow"), 404, "no_such_user"],
      [ada.put("/api/users/ada/follow"), 400, "cannot_follow_yourself"],
      [ada.get("/api/nothing"), 404, "no_such_path"],
      [ada.send("PATCH", "/api/home"), 404, "no_such_path"],
      [ada.get("/api/users/%E0%A4%A"), 400, "malformed_request"],
      [service.client().get("/api/home"), 401, "not_signed_in"],
      [service.client().post("/api/posts", { text: "x" }), 401, "not_signed_in"],
      [service.client().put("/api/users/ada/follow"), 401, "not_signed_in"],
    ];
    for (const [index, [answer, status, code]] of cases.entries()) {
      const { status: got, body } = await answer;
      assert.deepEqual([got, body.error?.code], [status, code], `case ${index}: ${JSON.stringify(body)}`);
    }
  });

  it("says in plain words what is wrong with input, and what would be right", async () => {
    const picture = "a".repeat(22);
    const pages = ["1e1", "0x10", "%205", "+5", "05", "5.0", "-1", "0", "101", "", "9".repeat(400), "1&limit=2"];
    const asked = [
      ...pages.map((limit) => ada.get(`/api/home?limit=${limit}`)),
      ...["x", "-1", "1&before=2", "1e3"].map((before) => ada.get(`/api/home?before=${before}`)),
      ...["x".repeat(101), "a&query=b"].map((query) => ada.get(`/api/users?query=${query}`)),
      ...[{}, { media: 5 }, { text: 5 }].map((body) => ada.post("/api/posts", body)),
      ...[{}, null, [5], [{ id: 5 }], [{ id: "x" }], [{ id: picture, alt: 5 }], Array(5).fill({ id: picture })].map(
        (media) => ada.post("/api/posts", { text: "x", media }),
      ),
      ...["/api/posts", "/api/login", "/api/signup"].map((path) => ada.post(path, [])),
      ada.post("/api/login", { name: "x".repeat(201), password: "x".repeat(1001) }),
      ada.post("/api/login", { name: 5, password: null }),
      ada.post("/api/signup", { name: 5, password: {}, displayName: 5 }),
    ];
    for (const [index, answer] of (await Promise.all(asked)).entries()) {
      const { status, body } = answer;
      const which = `case ${index}: ${JSON.stringify(body)}`;
      assert.deepEqual([status, body.error?.code], [400, "invalid_input"], which);
      const sentences: string[] = [body.error.message, ...Object.values<string>(body.error.fields)];
      for (const sentence of sentences) {
        assert.doesNotMatch(sentence, /expected|received|Invalid input|Too (big|small)|undefined|NaN/, which);
        assert.match(sentence, /^\S.*\.$/, which);
      }
    }
    const { fields } = (await ada.get("/api/home?limit=1e1&before=x")).body.error;
    assert.deepEqual(fields, {
      limit: "limit is a whole number from 1 to 100.",
      before: "before is the id of a post: one decimal number of at most 63 bits.",
    });
  });

  it("is alive and ready, and serves the page for every path without an extension", async () => {
    const client = service.client();
    assert.deepEqual((await client.get("/health")).body, { status: "ok" });
    assert.deepEqual((await client.get("/ready")).body, { status: "ready" });
    for (const path of ["/", "/@ada", "/search", "/posts/1"]) {
      const { status, body, headers } = await client.get(path);
      assert.equal(status, 200, path);
      assert.match(body, /<title>Chirp/);
      const cached = await client.get(path, {
        "If-None-Match": headers.get("ETag") as string,
        "Cache-Control": "max-age=0", // fetch would ask for no-cache
      });
      assert.equal(cached.status, 304);
    }
    assert.equal((await client.get("/missing.js")).status, 404);
  });

  it("tells browsers to load nothing from elsewhere, and to keep no answers", async () => {
    const page = await ada.get("/");
    const policy = page.headers.get("Content-Security-Policy") as string;
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    assert.equal(page.headers.get("X-Content-Type-Options"), "nosniff");
    assert.equal(page.headers.get("X-Powered-By"), null);
    assert.equal((await ada.get("/api/me")).headers.get("Cache-Control"), "no-store");
  });
});
