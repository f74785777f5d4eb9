import assert from "node:assert/strict";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import type { Properties } from "../../local/aws/record.ts";
import { Cache } from "../../local/parts/front/cache.ts";
import type { Outcome } from "../../local/provider/operations.ts";
import { temporaryFolder } from "../support/folder.ts";
import { http, type HttpOptions, TestAws } from "../support/local-aws.ts";
import { TestNetwork, types } from "../support/local-network.ts";

const distributionType = "aws:cloudfront/distribution:Distribution";
const cachingDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const cachingOptimized = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const everyMethod = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"];

describe("CloudFront on this machine", function () {
  this.timeout(30_000);
  const folder = temporaryFolder();
  let test: TestAws;
  let network: TestNetwork;
  let bucket: Outcome;
  let front: Outcome;
  let inputs: Properties;
  let policy: Outcome;

  const policyOf = (sourceArn: unknown) => ({
    bucket: bucket.id,
    policy: JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Service: "cloudfront.amazonaws.com" },
          Action: "s3:GetObject",
          Resource: `arn:aws:s3:::${bucket.id}/media/*`,
          Condition: { StringEquals: { "AWS:SourceArn": sourceArn } },
        },
      ],
    }),
  });

  before(async () => {
    test = await TestAws.start(folder);
    network = await TestNetwork.make(test, "web");
    await network.healthyServer("server");
    bucket = await test.create("aws:s3/bucket:Bucket", "pictures");
    const access = await test.create("aws:cloudfront/originAccessControl:OriginAccessControl", "access", {
      originAccessControlOriginType: "s3",
      signingBehavior: "always",
      signingProtocol: "sigv4",
    });
    const request = await test.create("aws:cloudfront/originRequestPolicy:OriginRequestPolicy", "request", {
      cookiesConfig: { cookieBehavior: "all" },
      queryStringsConfig: { queryStringBehavior: "all" },
      headersConfig: {
        headerBehavior: "allViewerAndWhitelistCloudFront",
        headers: { items: ["CloudFront-Forwarded-Proto", "CloudFront-Viewer-Address"] },
      },
    });
    const headers = await test.create("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy", "headers", {
      securityHeadersConfig: { contentTypeOptions: { override: true } },
    });
    const blocked = await test.create("aws:wafv2/ipSet:IpSet", "blocked", {
      scope: "CLOUDFRONT",
      ipAddressVersion: "IPV4",
      addresses: ["127.0.0.66/32"],
    });
    const acl = await test.create("aws:wafv2/webAcl:WebAcl", "waf", {
      scope: "CLOUDFRONT",
      defaultAction: { allow: {} },
      visibilityConfig: { metricName: "waf", cloudwatchMetricsEnabled: true, sampledRequestsEnabled: true },
      rules: [
        {
          name: "blocked",
          priority: 0,
          action: { block: {} },
          statement: { ipSetReferenceStatement: { arn: blocked.outputs.arn } },
        },
      ],
    });
    inputs = {
      enabled: true,
      aliases: ["chirp.localhost"],
      webAclId: acl.outputs.arn,
      restrictions: { geoRestriction: { restrictionType: "none" } },
      viewerCertificate: { cloudfrontDefaultCertificate: true },
      origins: [
        {
          originId: "service",
          domainName: network.balancer.outputs.dnsName,
          customOriginConfig: {
            httpPort: 80,
            httpsPort: 443,
            originProtocolPolicy: "http-only",
            originSslProtocols: [],
          },
          customHeaders: [{ name: "X-Proof", value: "secret" }],
        },
        {
          originId: "pictures",
          domainName: bucket.outputs.bucketRegionalDomainName,
          originAccessControlId: access.id,
        },
      ],
      defaultCacheBehavior: {
        targetOriginId: "service",
        viewerProtocolPolicy: "redirect-to-https",
        allowedMethods: everyMethod,
        cachedMethods: ["GET", "HEAD"],
        cachePolicyId: cachingDisabled,
        originRequestPolicyId: request.id,
      },
      orderedCacheBehaviors: [
        {
          pathPattern: "/media/*",
          targetOriginId: "pictures",
          viewerProtocolPolicy: "redirect-to-https",
          allowedMethods: ["GET", "HEAD"],
          cachedMethods: ["GET", "HEAD"],
          cachePolicyId: cachingOptimized,
          responseHeadersPolicyId: headers.id,
        },
      ],
    };
    front = await test.create(distributionType, "front", inputs);
    policy = await test.create("aws:s3/bucketPolicy:BucketPolicy", "policy", policyOf(front.outputs.arn));
  });
  after(() => test.stop());

  const put = (key: string, body: string, cacheControl?: string) =>
    test.aws.objects.put(bucket.id, key, Buffer.from(body), { contentType: "image/png", cacheControl }, true);

  function ask(path: string, options: HttpOptions = {}) {
    const { localPort } = test.aws.fronts.describe()[0] ?? assert.fail("no distribution is open");
    return http(localPort, path, { ...options, headers: { Host: "chirp.localhost", ...options.headers } });
  }

  it("passes requests on whole, with what it knows of the viewer and the proof that only it has", async () => {
    const { status, headers, body } = await ask("/echo?a=1", {
      method: "POST",
      body: "hello",
      headers: {
        Cookie: "session=1",
        "X-Proof": "a guess",
        "CloudFront-Viewer-Address": "203.0.113.1:1",
        "X-Forwarded-For": "203.0.113.2",
      },
    });
    const seen = JSON.parse(body) as { method: string; body: string; headers: Record<string, string> };
    assert.equal(status, 200);
    assert.equal(headers["x-cache"], "Miss from cloudfront");
    assert.deepEqual([seen.method, seen.body], ["POST", "hello"]);
    assert.equal(seen.headers.host, "chirp.localhost");
    assert.equal(seen.headers.cookie, "session=1");
    assert.equal(seen.headers["x-proof"], "secret");
    assert.match(seen.headers["cloudfront-viewer-address"] ?? "", /^127\.0\.0\.1:\d+$/);
    assert.equal(seen.headers["cloudfront-forwarded-proto"], "http");
    assert.match(seen.headers["x-forwarded-for"] ?? "", /^203\.0\.113\.2, 127\.0\.0\.1, 127\.0\.0\.1$/);
  });

  it("keeps nothing of what it passes on", async () => {
    assert.equal((await ask("/")).headers["x-cache"], "Miss from cloudfront");
    assert.equal((await ask("/")).headers["x-cache"], "Miss from cloudfront");
  });

  it("fetches a picture once, and tells its age", async () => {
    put("media/1/a.png", "a picture", "public, max-age=31536000, immutable");
    const first = await ask("/media/1/a.png");
    assert.deepEqual([first.status, first.body, first.headers["x-cache"]], [200, "a picture", "Miss from cloudfront"]);
    const second = await ask("/media/1/a.png");
    assert.deepEqual(
      [second.status, second.body, second.headers["x-cache"]],
      [200, "a picture", "Hit from cloudfront"],
    );
    assert.match(String(second.headers.age), /^\d+$/);
    assert.equal(second.headers["content-type"], "image/png");
    assert.equal(second.headers["x-content-type-options"], "nosniff");
    const part = await ask("/media/1/a.png", { headers: { Range: "bytes=2-4" } });
    assert.deepEqual([part.status, part.body], [206, "pic"]);
    const known = await ask("/media/1/a.png", { headers: { "If-None-Match": String(second.headers.etag) } });
    assert.deepEqual([known.status, known.body], [304, ""]);
  });

  it("answers conditions and ranges as HTTP has them", async () => {
    put("media/1/r.png", "0123456789", "public, max-age=60");
    const { headers } = await ask("/media/1/r.png");
    const etag = String(headers.etag);
    const cases: [Record<string, string>, number, string, string | undefined][] = [
      [{ Range: "bytes=2-4" }, 206, "234", "bytes 2-4/10"],
      [{ Range: "bytes=-3" }, 206, "789", "bytes 7-9/10"],
      [{ Range: "bytes=7-99" }, 206, "789", "bytes 7-9/10"],
      [{ Range: "bytes=10-" }, 416, "", "bytes */10"],
      [{ Range: "bytes=4-2" }, 200, "0123456789", undefined],
      [{ Range: "pages=1-2" }, 200, "0123456789", undefined],
      [{ Range: "bytes=2-4", "If-Range": etag }, 206, "234", "bytes 2-4/10"],
      [{ Range: "bytes=2-4", "If-Range": '"other"' }, 200, "0123456789", undefined],
      [{ "If-None-Match": `"other", W/${etag}` }, 304, "", undefined],
      [{ "If-None-Match": '"other"', "If-Modified-Since": new Date().toUTCString() }, 200, "0123456789", undefined],
      [{ "If-Modified-Since": new Date().toUTCString() }, 304, "", undefined],
      [{ "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT" }, 200, "0123456789", undefined],
    ];
    for (const [asked, status, body, range] of cases) {
      const answer = await ask("/media/1/r.png", { headers: asked });
      const got = [answer.status, answer.body, answer.headers["content-range"]];
      assert.deepEqual(got, [status, body, range], JSON.stringify(asked));
      assert.equal(answer.headers["x-content-type-options"], "nosniff");
    }
    const head = await ask("/media/1/r.png", { method: "HEAD" });
    assert.deepEqual([head.status, head.body, head.headers["content-length"]], [200, "", "10"]);
    assert.equal((await ask("/media/%E0%A4%A")).status, 400);
  });

  it("sends on without a body what came without one", async () => {
    const { localPort } = test.aws.fronts.describe()[0] ?? assert.fail("no distribution is open");
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "GET"]) {
      // Written by hand: Node's own client says "Content-Length: 0".
      const socket = connect(localPort, "127.0.0.1");
      socket.write(`${method} /echo HTTP/1.1\r\nHost: chirp.localhost\r\nConnection: close\r\n\r\n`);
      const seen = await text(socket);
      assert.match(seen, /^HTTP\/1\.1 200 /, method);
      assert.match(seen, new RegExp(`"method":"${method}"`));
      assert.doesNotMatch(seen, /"transfer-encoding"|"content-length":"[^0]/, method);
    }
  });

  it("shows of the bucket what the policy says, and keeps no refusal", async () => {
    put("incoming/1/b", "not for the world");
    assert.equal((await ask("/media/../incoming/1/b")).status, 403);
    const missing = await ask("/media/1/later.png");
    assert.deepEqual([missing.status, missing.headers["x-cache"]], [403, "Error from cloudfront"]);
    put("media/1/later.png", "there now");
    assert.equal((await ask("/media/1/later.png")).body, "there now");
    assert.equal((await ask("/media/1/a.png", { method: "DELETE" })).status, 403);
  });

  it("is refused by a bucket that trusts another distribution", async () => {
    put("media/1/c.png", "c");
    policy = await test.update("aws:s3/bucketPolicy:BucketPolicy", "policy", policy, policyOf("arn:of:another"));
    assert.equal((await ask("/media/1/c.png")).status, 403);
    policy = await test.update("aws:s3/bucketPolicy:BucketPolicy", "policy", policy, policyOf(front.outputs.arn));
    assert.equal((await ask("/media/1/c.png")).status, 200);
  });

  it("turns away who is blocked, and who asks for another name", async () => {
    assert.equal((await ask("/", { from: "127.0.0.66" })).status, 403);
    assert.equal((await ask("/", { headers: { Host: "other.example" } })).status, 403);
    assert.equal((await ask("/", { headers: { Host: String(front.outputs.domainName) } })).status, 200);
  });

  it("is where a record can lead, and serves as its settings now say", async () => {
    const aliases = [{ name: front.outputs.domainName, zoneId: "Z2FDTNDATAQYW2", evaluateTargetHealth: false }];
    await test.create(types.record, "record", { zoneId: "Z0TEST", name: "chirp.localhost", type: "A", aliases });
    const entry = () => http(test.aws.entry.port, "/", { headers: { Host: "chirp.localhost" } });
    assert.equal((await entry()).headers["x-cache"], "Miss from cloudfront");
    front = await test.update(distributionType, "front", front, { ...inputs, aliases: [] });
    assert.equal((await entry()).status, 403);
    front = await test.update(distributionType, "front", front, inputs);
    assert.equal((await entry()).status, 200);
    await network.test.delete(types.listener, "web", network.listener);
    assert.equal((await entry()).status, 502);
  });

  it("refuses a cache policy that it doesn't know", () => {
    const unknown = {
      ...inputs,
      defaultCacheBehavior: { ...(inputs.defaultCacheBehavior as object), cachePolicyId: "x" },
    };
    assert.throws(() => test.check(distributionType, "other", unknown), /cache policy x; the local front knows/);
  });
});

describe("The local front's cache", () => {
  const optimized = { least: 1, usual: 86_400, most: 31_536_000 };
  const kept = (cacheControl: string | undefined, lifetimes = optimized, status = 200) => {
    const cache = new Cache();
    const headers = cacheControl === undefined ? {} : { "cache-control": cacheControl };
    cache.keep("/a", { status, headers, body: Buffer.from("a") }, lifetimes);
    return cache.find("/a") !== undefined;
  };

  it("keeps what may be kept, for as long as it may", () => {
    assert.equal(kept("public, max-age=60"), true);
    assert.equal(kept(undefined), true);
    assert.equal(kept("max-age=0, s-maxage=60"), true);
    assert.equal(kept("private, max-age=60", { ...optimized, least: 0 }), false);
    assert.equal(kept("no-store", { ...optimized, least: 0 }), false);
    assert.equal(kept("max-age=0", { ...optimized, least: 0 }), false);
    assert.equal(kept("max-age=60", { least: 0, usual: 0, most: 0 }), false);
    assert.equal(kept("max-age=60", optimized, 404), false);
  });

  it("makes room for what is asked for", () => {
    const cache = new Cache();
    const body = Buffer.alloc(20 * 1024 * 1024);
    for (const key of ["/a", "/b", "/c"]) cache.keep(key, { status: 200, headers: {}, body }, optimized);
    assert.ok(cache.find("/a"));
    cache.keep("/d", { status: 200, headers: {}, body }, optimized);
    assert.deepEqual(
      ["/a", "/b", "/c", "/d"].map((key) => cache.find(key) !== undefined),
      [true, false, true, true],
    );
  });
});
