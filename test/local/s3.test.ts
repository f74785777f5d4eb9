import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { S3 } from "../../local/parts/s3/service.ts";
import { Objects } from "../../local/parts/storage/objects.ts";
import { temporaryFolder } from "../support/folder.ts";

const Bucket = "pictures";
const body = Buffer.from("\x89PNG not really, but bytes all the same", "latin1");

describe("The local S3", () => {
  const folder = temporaryFolder();
  let server: Server;
  let endpoint: string;
  let client: S3Client;

  function clientOf(secretAccessKey: string): S3Client {
    return new S3Client({
      region: "eu-central-1",
      endpoint,
      credentials: { accessKeyId: "key", secretAccessKey },
      requestChecksumCalculation: "WHEN_REQUIRED",
      maxAttempts: 1,
    });
  }

  before(async () => {
    const objects = new Objects(folder);
    objects.createBucket(Bucket);
    const cors = [
      {
        allowedOrigins: ["https://chirp.example"],
        allowedMethods: ["PUT"],
        allowedHeaders: ["content-type", "if-none-match"],
        maxAgeSeconds: 600,
      },
    ];
    const s3 = new S3({
      objects,
      settings: (bucket) => (bucket === Bucket ? { isVersioned: true, cors } : undefined),
      secretOf: (id) => (id === "key" ? "secret" : undefined),
      publicOrigin: (origin) => origin.replace(":8443", ""),
    });
    server = createServer((request, response) => void s3.serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    client = clientOf("secret");
  });
  after(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });

  /** An upload signed as the service signs its own. */
  function sign(
    Key: string,
    { size = body.length, type = "image/png", expiresIn = 300, signingDate = new Date() } = {},
  ) {
    const command = new PutObjectCommand({ Bucket, Key, ContentType: type, ContentLength: size, IfNoneMatch: "*" });
    const signableHeaders = new Set(["host", "content-type", "content-length", "if-none-match"]);
    return getSignedUrl(client, command, { expiresIn, signableHeaders, signingDate });
  }

  function upload(url: string, { type = "image/png", bytes = body, more = {} } = {}): Promise<Response> {
    const headers = { "Content-Type": type, "If-None-Match": "*", ...more };
    return fetch(url, { method: "PUT", body: new Uint8Array(bytes), headers });
  }

  async function codeOf(response: Response): Promise<string> {
    return `${response.status} ${/<Code>(\w+)<\/Code>/.exec(await response.text())?.[1]}`;
  }

  it("keeps what a signed request puts, and gives it back byte by byte", async () => {
    const Key = "folder/한 글+&.txt";
    await client.send(
      new PutObjectCommand({ Bucket, Key, Body: body, ContentType: "text/x", CacheControl: "max-age=5" }),
    );
    const got = await client.send(new GetObjectCommand({ Bucket, Key }));
    assert.deepEqual(Buffer.from((await got.Body?.transformToByteArray()) ?? []), body);
    assert.equal(got.ContentType, "text/x");
    assert.equal(got.CacheControl, "max-age=5");
    const head = await client.send(new HeadObjectCommand({ Bucket, Key }));
    assert.equal(head.ContentLength, body.length);
    const part = await client.send(new GetObjectCommand({ Bucket, Key, Range: "bytes=1-3", IfMatch: got.ETag }));
    assert.equal(await part.Body?.transformToString(), "PNG");
    await assert.rejects(client.send(new GetObjectCommand({ Bucket, Key, IfMatch: '"other"' })), {
      name: "PreconditionFailed",
    });
  });

  it("copies only the object that is meant, with metadata of the copy's own", async () => {
    const put = await client.send(new PutObjectCommand({ Bucket, Key: "from", Body: body, ContentType: "text/html" }));
    const copy = (CopySourceIfMatch?: string) =>
      new CopyObjectCommand({
        Bucket,
        Key: "to",
        CopySource: `${Bucket}/from`,
        CopySourceIfMatch,
        MetadataDirective: "REPLACE",
        ContentType: "image/png",
      });
    await assert.rejects(client.send(copy('"0123"')), { name: "PreconditionFailed" });
    await client.send(copy(put.ETag));
    assert.equal((await client.send(new HeadObjectCommand({ Bucket, Key: "to" }))).ContentType, "image/png");
  });

  it("lists and deletes; what is deleted is gone, and its name is free again", async () => {
    for (const Key of ["list/a", "list/b", "list/c"])
      await client.send(new PutObjectCommand({ Bucket, Key, Body: body }));
    await client.send(new DeleteObjectCommand({ Bucket, Key: "list/b" }));
    await client.send(new DeleteObjectCommand({ Bucket, Key: "list/never" }));
    const first = await client.send(new ListObjectsV2Command({ Bucket, Prefix: "list/", MaxKeys: 1 }));
    assert.deepEqual(
      first.Contents?.map(({ Key }) => Key),
      ["list/a"],
    );
    const ContinuationToken = first.NextContinuationToken;
    const second = await client.send(new ListObjectsV2Command({ Bucket, Prefix: "list/", ContinuationToken }));
    assert.deepEqual(
      second.Contents?.map(({ Key }) => Key),
      ["list/c"],
    );
    await assert.rejects(client.send(new HeadObjectCommand({ Bucket, Key: "list/b" })), { name: "NotFound" });
    assert.equal((await upload(await sign("list/b"))).status, 200);
  });

  it("still has everything when it starts again on its folder", async () => {
    await client.send(new PutObjectCommand({ Bucket, Key: "kept", Body: body, ContentType: "image/gif" }));
    const again = new Objects(folder);
    const object = again.head(Bucket, "kept");
    assert.equal(object.contentType, "image/gif");
    assert.deepEqual(again.read(Bucket, object), body);
  });

  it("refuses who has not signed, has another's secret, or is nobody", async () => {
    assert.equal(await codeOf(await fetch(`${endpoint}/${Bucket}/kept`)), "403 AccessDenied");
    await assert.rejects(clientOf("wrong").send(new HeadObjectCommand({ Bucket, Key: "kept" })), (error: Error) => {
      return (error as unknown as { $metadata: { httpStatusCode: number } }).$metadata.httpStatusCode === 403;
    });
    const url = (await sign("nobody")).replace("Credential=key", "Credential=nobody");
    assert.equal(await codeOf(await upload(url)), "403 InvalidAccessKeyId");
  });

  it("takes a pre-signed upload once", async () => {
    const url = await sign("once");
    assert.equal((await upload(url)).status, 200);
    assert.equal(await codeOf(await upload(url, { bytes: Buffer.alloc(body.length) })), "412 PreconditionFailed");
    const got = await client.send(new GetObjectCommand({ Bucket, Key: "once" }));
    assert.deepEqual(Buffer.from((await got.Body?.transformToByteArray()) ?? []), body);
  });

  it("refuses an upload that is not what was signed", async () => {
    const cases: [string, Promise<Response>][] = [
      ["another length", upload(await sign("a"), { bytes: Buffer.concat([body, body]) })],
      ["another type", upload(await sign("b"), { type: "text/html" })],
      [
        "without its condition",
        fetch(await sign("c"), { method: "PUT", body: new Uint8Array(body), headers: { "Content-Type": "image/png" } }),
      ],
      ["another key", upload((await sign("d")).replace(`${Bucket}/d`, `${Bucket}/e`))],
      ["a longer life", upload((await sign("f")).replace("X-Amz-Expires=300", "X-Amz-Expires=3000"))],
      ["another method", fetch(await sign("g"), { method: "DELETE" })],
    ];
    for (const [what, response] of cases) assert.equal(await codeOf(await response), "403 SignatureDoesNotMatch", what);
    const meddled = await upload(await sign("h"), { more: { "x-amz-acl": "public-read" } });
    assert.equal(await codeOf(meddled), "403 AccessDenied");
  });

  it("refuses an upload whose time is over", async () => {
    const url = await sign("late", { expiresIn: 60, signingDate: new Date(Date.now() - 61_000) });
    const response = await upload(url);
    assert.match(await response.clone().text(), /Request has expired/);
    assert.equal(await codeOf(response), "403 AccessDenied");
  });

  it("answers preflights by the bucket's rules, for the entry's own port as well", async () => {
    const preflight = (origin: string, headers: string, method = "PUT") =>
      fetch(`${endpoint}/${Bucket}/any`, {
        method: "OPTIONS",
        headers: { Origin: origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers },
      });
    const allowed = await preflight("https://chirp.example:8443", "content-type,if-none-match");
    assert.equal(allowed.status, 200);
    assert.equal(allowed.headers.get("Access-Control-Allow-Origin"), "https://chirp.example:8443");
    assert.equal(allowed.headers.get("Access-Control-Allow-Headers"), "content-type, if-none-match");
    assert.equal(allowed.headers.get("Access-Control-Max-Age"), "600");
    assert.equal(await codeOf(await preflight("https://evil.example", "content-type")), "403 AccessForbidden");
    assert.equal(await codeOf(await preflight("https://chirp.example", "x-other")), "403 AccessForbidden");
    assert.equal(await codeOf(await preflight("https://chirp.example", "", "DELETE")), "403 AccessForbidden");
  });
});
