import assert from "node:assert/strict";
import { pino } from "pino";
import { newPicture, sha256, upload as send } from "../../../climb/traffic/pictures.ts";
import { type Media, openMedia } from "../../../app/server/media.ts";
import type { ApiClient } from "../../support/api-client.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { s3Credentials, startTestS3, type TestS3 } from "../../support/test-s3.ts";
import { startTestService, type TestService } from "../../support/test-service.ts";
import { until } from "../../support/wait.ts";

const maxBytes = 10_000;

describe("Pictures", function () {
  this.timeout(30_000);
  const folder = temporaryFolder();
  const variables = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_S3"];
  const earlier = new Map(variables.map((name) => [name, process.env[name]]));
  let s3: TestS3;
  let service: TestService;
  let media: Media;
  let ada: ApiClient;
  let bob: ApiClient;

  before(async () => {
    s3 = await startTestS3(folder);
    // The SDK finds them as it does on a server.
    Object.assign(process.env, s3Credentials, { AWS_ENDPOINT_URL_S3: s3.endpoint });
    service = await startTestService({
      more: (backend) => {
        const config = { bucket: s3.bucket, host: "front.example", maxBytes, limits: { perMinute: 60, perDay: 100 } };
        const removals = () => backend.store;
        media = openMedia({ region: "eu-central-1", config, removals, log: pino({ level: "silent" }) }) as Media;
        return { media };
      },
    });
    ada = await service.signUp("ada");
    bob = await service.signUp("bob");
  });
  after(async () => {
    for (const [name, value] of earlier)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    await media?.remover.close();
    await service?.stop();
    await s3?.stop();
  });

  async function ask(client: ApiClient, size: number, type = "image/png") {
    const { status, body } = await client.post("/api/media", { type, size });
    assert.equal(status, 201, JSON.stringify(body));
    return body.upload as {
      id: string;
      url: string;
      method: string;
      headers: Record<string, string>;
      expiresAt: string;
    };
  }

  /** Uploads bytes as a type; returns the upload's id. */
  async function put(client: ApiClient, bytes: Buffer, type = "image/png"): Promise<string> {
    const offer = await ask(client, bytes.length, type);
    assert.equal(await send(offer, bytes), 200);
    return offer.id;
  }

  const post = (client: ApiClient, ids: string[], headers: Record<string, string> = {}, text = "look") =>
    client.post("/api/posts", { text, media: ids.map((id) => ({ id, alt: `about ${id}` })) }, headers);

  const mediaKeys = () => s3.keys().filter((key) => key.startsWith("media/"));

  it("has rules that everybody can read", async () => {
    assert.deepEqual((await service.client().get("/api/media")).body, {
      pictures: { types: ["image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"], maxBytes, perPost: 4 },
    });
  });

  it("go straight to the bucket and come with their post, byte by byte", async () => {
    const pictures = [newPicture(), newPicture()];
    const ids = [await put(ada, pictures[0]!.bytes), await put(ada, pictures[1]!.bytes)];
    const { status, body } = await post(ada, ids);
    assert.equal(status, 201);
    const me = (await ada.get("/api/me")).body.user.id;
    for (const [index, { url, type, alt }] of body.post.media.entries()) {
      assert.match(url, new RegExp(`^http://front\\.example/media/${me}/${ids[index]}-[\\w-]{11}\\.png$`));
      assert.deepEqual([type, alt], ["image/png", `about ${ids[index]}`]);
      const object = s3.objects.head(s3.bucket, new URL(url).pathname.slice(1));
      assert.equal(sha256(s3.objects.read(s3.bucket, object)), pictures[index]?.sha256);
      assert.equal(object.contentType, "image/png");
      assert.match(object.cacheControl ?? "", /public, max-age=31536000.*immutable/);
    }
    assert.deepEqual((await bob.get(`/api/posts/${body.post.id}`)).body.post.media, body.post.media);
    assert.deepEqual((await ada.get("/api/home")).body.posts[0].media, body.post.media);
    assert.deepEqual((await bob.get("/api/users/ada/posts")).body.posts[0].media, body.post.media);
  });

  it("speak for themselves: a post with one needs no text", async () => {
    const id = await put(ada, newPicture().bytes);
    assert.equal((await post(ada, [id], {}, " ")).body.post.text, "");
    assert.equal((await ada.post("/api/posts", { text: " ", media: [] })).status, 400);
  });

  it("are offered to those who are signed in, in types and sizes that are allowed", async () => {
    const cases: [unknown, number, string][] = [
      [{ type: "image/svg+xml", size: 100 }, 415, "unsupported_picture"],
      [{ type: "text/html", size: 100 }, 415, "unsupported_picture"],
      [{ type: "image/png", size: maxBytes + 1 }, 413, "picture_too_large"],
      [{ type: "image/png", size: 0 }, 400, "invalid_input"],
      [{ type: "image/png", size: 1.5 }, 400, "invalid_input"],
      [{ type: "image/png", size: -1 }, 400, "invalid_input"],
      [{ type: "image/png", size: "5" }, 400, "invalid_input"],
      [{ type: "x".repeat(101), size: 1 }, 415, "unsupported_picture"],
      [{ type: 5, size: 1e300 }, 400, "invalid_input"],
      [[], 400, "invalid_input"],
      [{}, 400, "invalid_input"],
    ];
    for (const [body, status, code] of cases) {
      const answer = await ada.post("/api/media", body);
      assert.deepEqual([answer.status, answer.body.error.code], [status, code], JSON.stringify(body));
      assert.doesNotMatch(answer.body.error.message, /expected|received|Too (big|small)/);
    }
    assert.equal((await service.client().post("/api/media", { type: "image/png", size: 100 })).status, 401);
    const { expiresAt } = await ask(ada, 100);
    const left = Date.parse(expiresAt) - Date.now();
    assert.ok(left > 60_000 && left <= 300_000, `${left} ms`);
  });

  it("cannot be uploaded otherwise than signed, nor twice", async () => {
    const { bytes } = newPicture();
    const offer = await ask(ada, bytes.length);
    assert.equal(await send(offer, Buffer.concat([bytes, bytes])), 403);
    assert.equal(await send({ ...offer, headers: { ...offer.headers, "Content-Type": "text/html" } }, bytes), 403);
    assert.equal(await send({ ...offer, url: offer.url.replace("/incoming/", "/media/") }, bytes), 403);
    assert.equal(await send({ ...offer, headers: { "Content-Type": "image/png" } }, bytes), 403);
    assert.equal(await send(offer, bytes), 200);
    assert.equal(await send(offer, bytes), 412);
  });

  it("are refused that never arrived, are somebody else's, or have no real id", async () => {
    const count = mediaKeys().length;
    const { id } = await ask(ada, 100);
    const mine = await put(ada, newPicture().bytes);
    const theirs = await put(bob, newPicture().bytes);
    for (const ids of [[id], [theirs], [mine, theirs], [id, mine, theirs]]) {
      const { status, body } = await post(ada, ids);
      assert.deepEqual([status, body.error.code], [400, "no_such_upload"]);
      const wrong = ids.flatMap((each, index) => (each === mine ? [] : [`media.${index}`]));
      assert.deepEqual(Object.keys(body.error.fields), wrong, "it says which, and all of them");
    }
    for (const bad of ["../../bob/x", "short", `${mine}/`]) assert.equal((await post(ada, [bad])).status, 400);
    assert.equal((await post(ada, [mine, mine, mine, mine, mine])).status, 400);
    assert.equal(mediaKeys().length, count, "nothing is stored for a post that was refused");
  });

  it("that are not what they claim are refused, and removed", async () => {
    const count = mediaKeys().length;
    const lies: [string, Buffer][] = [
      ["image/png", Buffer.from("<!doctype html><script>alert(1)</script>")],
      ["image/png", Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')],
      ["image/gif", newPicture().bytes],
      ["image/png", Buffer.from("x")],
    ];
    for (const [type, bytes] of lies) {
      const id = await put(ada, bytes, type);
      const { status, body } = await post(ada, [id]);
      assert.deepEqual([status, body.error.code], [415, "picture_is_not_what_it_claims"]);
      assert.ok(!s3.keys().some((key) => key.includes(id)), "the upload is gone");
    }
    assert.equal(mediaKeys().length, count);
  });

  it("that came into the bucket too large or of another type are refused all the same", async () => {
    const me = (await ada.get("/api/me")).body.user.id;
    const sneak = (id: string, body: Buffer, contentType: string) =>
      s3.objects.put(s3.bucket, `incoming/${me}/${id}`, body, { contentType }, true);
    const large = Buffer.concat([newPicture().bytes, Buffer.alloc(maxBytes)]);
    sneak("a".repeat(22), large, "image/png");
    sneak("b".repeat(22), newPicture().bytes, "image/svg+xml");
    assert.equal((await post(ada, ["a".repeat(22)])).status, 413);
    assert.equal((await post(ada, ["b".repeat(22)])).status, 415);
  });

  it("are there once for a post that is sent twice", async () => {
    const id = await put(ada, newPicture().bytes);
    const count = mediaKeys().length;
    const first = await post(ada, [id], { "Idempotency-Key": "twice" });
    const second = await post(ada, [id], { "Idempotency-Key": "twice" });
    assert.deepEqual(second.body, first.body);
    assert.equal(mediaKeys().length, count + 1);
    const other = await post(ada, [], { "Idempotency-Key": "twice" });
    assert.equal(other.body.error.code, "idempotency_key_reused");
  });

  it("need not be there any more for a post that is sent again", async () => {
    const id = await put(ada, newPicture().bytes);
    const key = { "Idempotency-Key": "again" };
    const first = await post(ada, [id], key);
    const again = async () => {
      const { status, body } = await post(ada, [id], key);
      assert.deepEqual([status, body], [201, first.body]);
    };
    s3.isDown = true;
    try {
      await again();
    } finally {
      s3.isDown = false;
    }
    await ada.delete(`/api/posts/${first.body.post.id}`);
    await until(() => !s3.keys().some((each) => each.includes(id)), { describe: "the pictures are removed" });
    const count = mediaKeys().length;
    await again();
    assert.equal(mediaKeys().length, count);
    assert.equal((await post(ada, [id], key, "other words")).body.error.code, "idempotency_key_reused");
  });

  it("go with their post, and with no other", async () => {
    const id = await put(ada, newPicture().bytes);
    const [one, two] = [(await post(ada, [id])).body.post, (await post(ada, [id])).body.post];
    const keyOf = (from: { media: { url: string }[] }) => new URL(from.media[0]?.url ?? "").pathname.slice(1);
    assert.equal((await ada.delete(`/api/posts/${one.id}`)).status, 204);
    await until(() => !s3.keys().includes(keyOf(one)), { describe: "the picture is removed" });
    assert.ok(s3.keys().includes(keyOf(two)));
  });

  it("never keep a post from being deleted, and go when the bucket is back", async () => {
    const id = await put(ada, newPicture().bytes);
    const made = (await post(ada, [id])).body.post;
    const key = new URL(made.media[0].url).pathname.slice(1);
    s3.isDown = true;
    try {
      assert.equal((await ada.delete(`/api/posts/${made.id}`)).status, 204);
      assert.equal((await ada.get(`/api/posts/${made.id}`)).status, 404);
    } finally {
      s3.isDown = false;
    }
    assert.ok(s3.keys().includes(key));
    await until(
      () => {
        media.remover.wake();
        return !s3.keys().some((each) => each.includes(id));
      },
      { describe: "the picture, and the upload it was made of, are removed" },
    );
  });

  it("answer with 503 while the bucket is out of reach, and the upload is still there afterwards", async () => {
    const id = await put(ada, newPicture().bytes);
    s3.isDown = true;
    const refused = await post(ada, [id]);
    s3.isDown = false;
    assert.deepEqual([refused.status, refused.body.error.code], [503, "unavailable"]);
    assert.equal((await post(ada, [id])).status, 201);
  });

  it("are limited for each user", async () => {
    const carol = await service.signUp("carol");
    const answers = [];
    for (let count = 0; count < 61; count++)
      answers.push(await carol.post("/api/media", { type: "image/png", size: 100 }));
    assert.deepEqual(new Set(answers.slice(0, 60).map(({ status }) => status)), new Set([201]));
    const last = answers.at(-1);
    assert.deepEqual([last?.status, last?.body.error.code], [429, "too_many_pictures"]);
    assert.ok(Number(last?.headers.get("Retry-After")) <= 60);
    assert.equal((await bob.post("/api/media", { type: "image/png", size: 100 })).status, 201);
  });

  it("may be shown and sent by the page, and nothing else from elsewhere", async () => {
    const policy = (await service.client().get("/")).headers.get("Content-Security-Policy") ?? "";
    assert.match(policy, /img-src 'self' data: blob: front\.example;/);
    assert.ok(policy.includes(`connect-src 'self' ${s3.endpoint};`), policy);
    assert.match(policy, /script-src 'self';/);
  });
});

describe("A service without a bucket", () => {
  let service: TestService;
  before(async () => {
    service = await startTestService();
  });
  after(() => service?.stop());

  it("says that it has no pictures, and takes none", async () => {
    const ada = await service.signUp("ada");
    assert.deepEqual((await ada.get("/api/media")).body, { pictures: null });
    for (const answer of [
      await ada.post("/api/media", { type: "image/png", size: 100 }),
      await ada.post("/api/posts", { text: "look", media: [{ id: "a".repeat(22) }] }),
    ])
      assert.deepEqual([answer.status, answer.body.error.code], [404, "no_pictures"]);
    const policy = (await ada.get("/")).headers.get("Content-Security-Policy") ?? "";
    assert.match(policy, /img-src 'self' data:;.*connect-src 'self';/);
  });
});
