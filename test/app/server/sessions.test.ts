import assert from "node:assert/strict";
import { password, startTestService, type TestService } from "../../support/test-service.ts";

describe("Signing in", function () {
  this.timeout(30_000);
  let service: TestService;

  before(async () => {
    service = await startTestService({ trustedProxies: 1 });
    for (const name of ["ada", "bob", "carl", "dora"]) await service.signUp(name);
  });
  after(() => service?.stop());

  const logIn = (name: string, password: string, address: string, client = service.client()) =>
    client.post("/api/login", { name, password }, { "X-Forwarded-For": address });

  it("sets a cookie that scripts cannot read, sites cannot send and plain HTTP does not carry", async () => {
    const https = { "X-Forwarded-Proto": "https" };
    const secure = await service.client().post("/api/login", { name: "Ada", password }, https);
    assert.equal(secure.status, 200);
    assert.equal(secure.body.user.name, "ada");
    const cookie = secure.headers.getSetCookie()[0] as string;
    for (const part of [/HttpOnly/, /SameSite=Lax/, /Secure/, /Path=\//, /Max-Age=2592000/]) assert.match(cookie, part);
    assert.match(secure.headers.get("Strict-Transport-Security") as string, /max-age/);
    const plain = await service.client().post("/api/login", { name: "ada", password });
    assert.doesNotMatch(plain.headers.getSetCookie()[0] as string, /Secure/);
    assert.equal(plain.headers.get("Strict-Transport-Security"), null);
  });

  it("over HTTPS has a name of its own, so that plain HTTP works again where HTTPS has gone", async () => {
    const https = { "X-Forwarded-Proto": "https" };
    const request = { name: "ada", password };
    const over = async (headers: Record<string, string>) => {
      const { headers: answered } = await service.client().post("/api/login", request, headers);
      return (answered.getSetCookie()[0] ?? "").split(";")[0] ?? "";
    };
    const [secure, plain] = [await over(https), await over({})];
    assert.match(secure, /^__Host-chirp_session=/);
    assert.match(plain, /^chirp_session=/);
    const me = async (Cookie: string, headers: Record<string, string>) =>
      (await service.client().get("/api/me", { ...headers, Cookie })).status;
    assert.equal(await me(secure, https), 200);
    assert.equal(await me(plain, {}), 200);
    assert.equal(await me(plain, https), 200, "nobody is signed out by HTTPS");
    assert.equal(await me(secure, {}), 401, "no browser would send it");
    assert.equal(await me(`__Host-chirp_session=1.${"A".repeat(43)}; ${plain}`, https), 200);
    const both = { ...https, Cookie: `${plain}; ${secure}` };
    const { headers } = await service.client().post("/api/logout", undefined, both);
    const cleared = headers.getSetCookie().map((cookie) => cookie.split(";")[0]);
    assert.deepEqual(cleared, ["chirp_session=", "__Host-chirp_session="]);
    for (const cookie of [plain, secure]) assert.equal(await me(cookie, https), 401);
  });

  it("keeps only a hash of the token", async () => {
    const client = await service.signUp("hashed");
    const token = client.cookie.split(".")[1] as string;
    const [rows] = await (await service.database.connect()).query("SELECT token_hash FROM sessions");
    assert.ok(!(rows as { token_hash: Buffer }[]).some((row) => row.token_hash.toString().includes(token)));
  });

  it("ends everywhere at once", async () => {
    const client = await service.signUp("leaver");
    const { cookie } = client;
    assert.equal((await client.get("/api/me")).status, 200);
    assert.equal((await client.post("/api/logout")).status, 204);
    assert.equal(client.cookie, "");
    client.cookie = cookie;
    assert.equal((await client.get("/api/me")).status, 401);
    assert.equal((await service.client().post("/api/logout")).status, 204);
  });

  it("anew ends the session before", async () => {
    const client = await service.signUp("returner");
    const { cookie } = client;
    await client.post("/api/login", { name: "returner", password });
    assert.notEqual(client.cookie, cookie);
    client.cookie = cookie;
    assert.equal((await client.get("/api/me")).status, 401);
  });

  it("does not work with somebody else's id, a made-up token or rubbish", async () => {
    const [ada, bob] = [service.client(), service.client()];
    await logIn("ada", password, "10.1.0.1", ada);
    await logIn("bob", password, "10.1.0.1", bob);
    const [adaId, bobToken] = [ada.cookie.split(".")[0], bob.cookie.split(".")[1]];
    for (const cookie of [
      `${adaId}.${bobToken}`,
      `${adaId}.${"A".repeat(43)}`,
      "chirp_session=x",
      "chirp_session=1.2",
    ]) {
      const client = service.client();
      client.cookie = cookie;
      assert.equal((await client.get("/api/me")).status, 401, cookie);
    }
  });

  it("answers a wrong password and an unknown name alike", async () => {
    const [wrong, unknown] = [
      await logIn("ada", "wrong password", "10.1.0.2"),
      await logIn("nobody", password, "10.1.0.2"),
    ];
    assert.equal(wrong.status, 401);
    assert.deepEqual(unknown.body, wrong.body);
    assert.equal(unknown.status, 401);
  });

  it("is throttled by name, from whatever address, also with the right password", async () => {
    for (let attempt = 0; attempt < 10; attempt++)
      assert.equal((await logIn("carl", "wrong", `10.2.0.${attempt}`)).status, 401);
    const refused = await logIn("CARL", password, "10.2.0.99");
    assert.equal(refused.status, 429);
    const wait = Number(refused.headers.get("Retry-After"));
    assert.ok(wait > 800 && wait <= 900, `Retry-After: ${wait}`);
    assert.equal((await logIn("dora", password, "10.2.0.1")).status, 200);
  });

  it("is throttled by address, whatever the name", async () => {
    const attempts = Array.from({ length: 100 }, (_, index) => logIn(`guess_${index}`, "wrong", "10.3.0.1"));
    assert.ok((await Promise.all(attempts)).every(({ status }) => status === 401));
    assert.equal((await logIn("dora", password, "10.3.0.1")).status, 429);
    assert.equal((await logIn("dora", password, "10.3.0.2")).status, 200);
  });

  it("is not throttled by successes", async () => {
    for (let time = 0; time < 25; time++) assert.equal((await logIn("dora", password, "10.4.0.1")).status, 200);
  });
});

describe("Requests from other sites", function () {
  this.timeout(30_000);
  let service: TestService;

  before(async () => {
    service = await startTestService();
  });
  after(() => service?.stop());

  it("cannot change anything", async () => {
    const client = await service.signUp("victim");
    const host = new URL(service.url).host;
    for (const headers of [
      { "Sec-Fetch-Site": "cross-site" },
      { "Sec-Fetch-Site": "same-site" },
      { Origin: "https://evil.example" },
      { Origin: "null" },
      { Origin: `http://${host}.evil.example` },
      { Origin: "http://127.0.0.1:1" },
    ] as Record<string, string>[]) {
      const { status, body } = await client.post("/api/posts", { text: "forged" }, headers);
      assert.deepEqual([status, body.error.code], [403, "cross_site_request"], JSON.stringify(headers));
      assert.equal((await client.send("POST", "/api/logout", undefined, headers)).status, 403);
    }
    assert.deepEqual((await client.get("/api/users/victim/posts")).body.posts, []);
    assert.equal((await client.get("/api/me", { "Sec-Fetch-Site": "cross-site" })).status, 200);
  });

  it("cannot send what a form can send", async () => {
    const client = await service.signUp("form_victim");
    for (const type of ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"]) {
      const { status } = await client.post("/api/posts", '{"text":"forged"}', { "Content-Type": type });
      assert.equal(status, 415, type);
    }
  });

  it("are not confused with the page's own, nor with clients that are no browsers", async () => {
    const client = await service.signUp("author");
    const own = { "Sec-Fetch-Site": "same-origin", Origin: service.url };
    assert.equal((await client.post("/api/posts", { text: "mine" }, own)).status, 201);
    assert.equal((await client.post("/api/posts", { text: "mine" }, { "Sec-Fetch-Site": "none" })).status, 201);
    assert.equal((await client.post("/api/posts", { text: "mine" })).status, 201);
  });
});
