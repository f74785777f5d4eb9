import assert from "node:assert/strict";
import { pino } from "pino";
import { Front } from "../../../app/server/front.ts";
import { openMedia } from "../../../app/server/media.ts";
import { startTestService, type TestService } from "../../support/test-service.ts";

const log = pino({ level: "silent" });

describe("Requests through CloudFront", function () {
  this.timeout(30_000);
  let service: TestService;
  let readings = 0;
  const through = (proof: string, more: Record<string, string> = {}) => ({
    "X-Chirp-Front": proof,
    "CloudFront-Viewer-Address": "203.0.113.9:41234",
    "CloudFront-Forwarded-Proto": "https",
    "X-Forwarded-For": "203.0.113.9, 198.51.100.1",
    "X-Forwarded-Proto": "http",
    ...more,
  });

  before(async () => {
    const read = async () => {
      readings++;
      return "the secret";
    };
    service = await startTestService({
      trustedProxies: 1,
      more: (backend) => {
        const limits = { perMinute: 10, perDay: 10 };
        const config = { bucket: "pictures", host: "front.example", maxBytes: 1000, limits };
        const media = openMedia({ region: "eu-central-1", config, removals: () => backend.store, log });
        return { front: new Front({ read, log }), media };
      },
    });
  });
  after(() => service?.stop());

  const signUp = (name: string, headers: Record<string, string>) =>
    service.client().post("/api/signup", { name, password: "correct horse" }, headers);

  it("are over HTTPS when the viewer's are: cookies are secure", async () => {
    const { headers } = await signUp("ada", through("the secret"));
    assert.match(headers.get("Set-Cookie") ?? "", /; Secure/);
    assert.equal(headers.get("Strict-Transport-Security"), null, "that is for the front to say");
  });

  it("that come past it by HTTPS are told to stay with HTTPS", async () => {
    const { headers } = await service.client().get("/", { "X-Forwarded-Proto": "https" });
    assert.match(headers.get("Strict-Transport-Security") ?? "", /max-age/);
  });

  it("are plain when the viewer's are", async () => {
    const { headers } = await signUp("bob", through("the secret", { "CloudFront-Forwarded-Proto": "http" }));
    assert.doesNotMatch(headers.get("Set-Cookie") ?? "", /Secure/);
  });

  it("are believed with the secret only", async () => {
    const { headers } = await signUp("eve", through("a guess"));
    assert.doesNotMatch(headers.get("Set-Cookie") ?? "", /Secure/);
    assert.equal(headers.get("Strict-Transport-Security"), null);
  });

  it("are counted by the viewer's address, not by CloudFront's", async () => {
    const attempts = (address: string, proof: string) =>
      service
        .client()
        .post(
          "/api/login",
          { name: `nobody${Math.random()}`, password: "x" },
          through(proof, { "CloudFront-Viewer-Address": `${address}:4000` }),
        );
    for (let count = 0; count < 100; count++) assert.equal((await attempts("203.0.113.50", "the secret")).status, 401);
    assert.equal((await attempts("203.0.113.50", "the secret")).status, 429);
    assert.equal((await attempts("2001:db8::7", "the secret")).status, 401);
    // Whoever only claims to be CloudFront is counted where they come from: nothing is gained by changing the claim.
    for (let count = 0; count < 100; count++) assert.equal((await attempts(`192.0.2.${count}`, "guess")).status, 401);
    assert.equal((await attempts("192.0.2.200", "guess")).status, 429);
  });

  it("are not worth guessing: a wrong proof makes no more than a reading every ten seconds", async () => {
    const earlier = readings;
    for (let count = 0; count < 20; count++) await service.client().get("/api/media", through(`guess ${count}`));
    assert.ok(readings - earlier <= 1, `${readings - earlier} readings`);
  });

  it("with a secret that was changed are known without a restart", async () => {
    let secret = "first";
    const front = new Front({ read: async () => secret, log, rereadAfter: 0 });
    assert.equal(await front.knows("first"), true);
    assert.equal(await front.knows("second"), false);
    secret = "second";
    assert.equal(await front.knows("second"), true);
    assert.equal(await front.knows("first"), false);
    const broken = new Front({ read: () => Promise.reject(new Error("away")), log });
    assert.equal(await broken.knows("first"), false);
  });
});
