import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { CopyObjectCommand, GetObjectCommand, HeadObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { createPresignedPost, type PresignedPostOptions } from "@aws-sdk/s3-presigned-post";
import { temporaryFolder } from "../support/folder.ts";
import { s3Credentials, startTestS3, type TestS3 } from "../support/test-s3.ts";
import { until } from "../support/wait.ts";

type Fields = Record<string, string>;

const picture = Buffer.from("\x89PNG not really, but bytes all the same", "latin1");
const page = "https://chirp.example";

describe("The local S3's forms", () => {
  const folder = temporaryFolder();
  let s3: TestS3;
  let client: S3Client;

  before(async () => {
    s3 = await startTestS3(folder, [page], ["POST"]);
    client = clientOf(s3Credentials.AWS_SECRET_ACCESS_KEY);
  });
  after(async () => {
    client.destroy();
    await s3.stop();
  });

  function clientOf(secretAccessKey: string, accessKeyId = s3Credentials.AWS_ACCESS_KEY_ID): S3Client {
    const credentials = { accessKeyId, secretAccessKey };
    return new S3Client({ region: "eu-central-1", endpoint: s3.endpoint, credentials, maxAttempts: 1 });
  }

  /** A form for one picture of 10 to 1000 bytes, as the SDK signs it. */
  async function sign(Key: string, options: Partial<PresignedPostOptions> = {}, signer = client) {
    const Conditions: PresignedPostOptions["Conditions"] = [
      ["content-length-range", 10, 1000],
      ["starts-with", "$Content-Type", "image/"],
    ];
    const { url, fields } = await createPresignedPost(signer, { Bucket: s3.bucket, Key, Conditions, ...options });
    return { url, fields: { "Content-Type": "image/png", ...fields } as Fields };
  }

  function upload(
    { url, fields }: { url: string; fields: Fields },
    { file = picture as Buffer | null, name = "cat.png", headers = {}, after = {} as Fields } = {},
  ): Promise<Response> {
    const body = new FormData();
    for (const [field, value] of Object.entries(fields)) body.append(field, value);
    if (file) body.append("file", new Blob([new Uint8Array(file)]), name);
    for (const [field, value] of Object.entries(after)) body.append(field, value);
    return fetch(url, { method: "POST", body, headers, redirect: "manual" });
  }

  /** Status, code and message of a refusal; nothing may have been stored for it. */
  async function refusal(sent: Promise<Response>): Promise<string> {
    const before = s3.keys();
    const response = await sent;
    const text = (await response.text()).replaceAll("&quot;", '"').replaceAll("&apos;", "'");
    const [code, message] = ["Code", "Message"].map((name) => new RegExp(`<${name}>(.*?)</${name}>`).exec(text)?.[1]);
    assert.deepEqual(s3.keys(), before);
    assert.deepEqual(leftovers(), []);
    return `${response.status} ${code}: ${message}`;
  }

  function leftovers(): string[] {
    const incoming = join(folder, ".incoming");
    return existsSync(incoming) ? readdirSync(incoming) : [];
  }

  function without({ url, fields }: { url: string; fields: Fields }, name: string) {
    return { url, fields: Object.fromEntries(Object.entries(fields).filter(([field]) => field !== name)) };
  }

  /** The form with another policy under the old signature. */
  function withPolicy(form: { url: string; fields: Fields }, change: (policy: string) => string) {
    const policy = change(Buffer.from(form.fields.Policy ?? "", "base64").toString());
    return { url: form.url, fields: { ...form.fields, Policy: Buffer.from(policy).toString("base64") } };
  }

  it("stores the file of a signed form, with the type and the metadata of its fields", async () => {
    const Fields = { "x-amz-meta-author": "Ann", "x-amz-meta-titel": "Größe 한글", "Cache-Control": "max-age=5" };
    const response = await upload(await sign("good", { Fields }));
    assert.equal(response.status, 204);
    const got = await client.send(new GetObjectCommand({ Bucket: s3.bucket, Key: "good" }));
    assert.deepEqual(Buffer.from((await got.Body?.transformToByteArray()) ?? []), picture);
    assert.equal(response.headers.get("ETag"), got.ETag);
    assert.equal(response.headers.get("x-amz-version-id"), got.VersionId);
    assert.equal(got.ContentType, "image/png");
    assert.equal(got.CacheControl, "max-age=5");
    const encoded = `=?UTF-8?B?${Buffer.from("Größe 한글").toString("base64")}?=`;
    assert.deepEqual(got.Metadata, { author: "Ann", titel: encoded });
    assert.deepEqual(leftovers(), []);
  });

  it("copies an object with its metadata", async () => {
    assert.equal((await upload(await sign("original", { Fields: { "x-amz-meta-author": "Ann" } }))).status, 204);
    const CopySource = `${s3.bucket}/original`;
    await client.send(new CopyObjectCommand({ Bucket: s3.bucket, Key: "copied", CopySource }));
    const copy = await client.send(new HeadObjectCommand({ Bucket: s3.bucket, Key: "copied" }));
    assert.deepEqual([copy.ContentType, copy.Metadata], ["image/png", { author: "Ann" }]);
  });

  it("puts the file's name into the key, without the folders that a browser may tell", async () => {
    const names = { "cat.png": "cat.png", "C:\\Users\\ann\\dog.png": "dog.png", "한 글.png": "한 글.png" };
    for (const [name, expected] of Object.entries(names)) {
      assert.equal((await upload(await sign("named/${filename}"), { name })).status, 204);
      assert.ok(s3.keys().includes(`named/${expected}`), expected);
    }
  });

  it("answers as the form asks: with a status, a document or a redirect", async () => {
    const answer = async (field: string, value: string) => upload(await sign("a/ü", { Fields: { [field]: value } }));
    assert.equal((await answer("success_action_status", "200")).status, 200);
    assert.equal((await answer("success_action_status", "404")).status, 204);
    const created = await answer("success_action_status", "201");
    assert.equal(created.status, 201);
    const location = `${s3.endpoint}/${s3.bucket}/a%2F%C3%BC`;
    const facts = `<Location>${location}</Location><Bucket>${s3.bucket}</Bucket><Key>a/ü</Key>`;
    assert.ok((await created.text()).includes(facts));
    const redirected = await answer("success_action_redirect", `${page}/done?x=1`);
    assert.equal(redirected.status, 303);
    const next = new URL(redirected.headers.get("Location") ?? "");
    const etag = redirected.headers.get("ETag");
    assert.deepEqual(Object.fromEntries(next.searchParams), { x: "1", bucket: s3.bucket, key: "a/ü", etag });
  });

  it("ignores fields after the file, and those that it is told to ignore", async () => {
    const form = await sign("ignoring");
    const fields = { ...form.fields, "x-ignore-button": "Upload" };
    assert.equal((await upload({ ...form, fields }, { after: { submit: "Upload", acl: "public-read" } })).status, 204);
  });

  it("refuses a form whose time is over", async () => {
    const expired = upload(await sign("late", { Expires: -1 }));
    assert.equal(await refusal(expired), "403 AccessDenied: Invalid according to Policy: Policy expired.");
  });

  it("refuses what is not signed, or by nobody it knows", async () => {
    const form = await sign("meddled");
    const mismatch = /^403 SignatureDoesNotMatch/;
    const generous = withPolicy(form, (policy) => policy.replace("1000", "9999"));
    assert.match(await refusal(upload(generous)), mismatch);
    assert.match(await refusal(upload(await sign("meddled", {}, clientOf("another")))), mismatch);
    const credential = (form.fields["X-Amz-Credential"] ?? "").replace("eu-central-1", "eu-west-1");
    assert.match(
      await refusal(upload({ ...form, fields: { ...form.fields, "X-Amz-Credential": credential } })),
      mismatch,
    );
    const stranger = upload(await sign("meddled", {}, clientOf("test", "stranger")));
    assert.match(await refusal(stranger), /^403 InvalidAccessKeyId/);
    const unsigned = without(form, "X-Amz-Signature");
    assert.match(await refusal(upload(unsigned)), /^400 InvalidArgument: .*'X-Amz-Signature'/);
    assert.equal(await refusal(upload(without(form, "Policy"))), "403 AccessDenied: Access Denied");
  });

  it("refuses fields that the policy does not allow, and names what fails", async () => {
    const form = await sign("mine", { Fields: { "x-amz-meta-author": "Ann" } });
    const failed = "403 AccessDenied: Invalid according to Policy: Policy Condition failed: ";
    const extra = "403 AccessDenied: Invalid according to Policy: Extra input fields: ";
    const cases: [string, Fields, string][] = [
      ["another's field", { "x-amz-meta-author": "Bob" }, `${failed}["eq", "$x-amz-meta-author", "Ann"]`],
      ["the wrong type", { "Content-Type": "text/html" }, `${failed}["starts-with", "$Content-Type", "image/"]`],
      [
        "a wrong type among right ones",
        { "Content-Type": "image/png, text/html" },
        `${failed}["starts-with", "$Content-Type", "image/"]`,
      ],
      ["the wrong key", { key: "yours" }, `${failed}["eq", "$key", "mine"]`],
      ["another date", { "X-Amz-Date": `${form.fields["X-Amz-Date"]?.slice(0, 8)}T000000Z` }, `${failed}["eq", "$X-A`],
      ["an extra field", { acl: "public-read" }, `${extra}acl`],
      ["extra metadata", { "x-amz-meta-more": "1" }, `${extra}x-amz-meta-more`],
    ];
    for (const [what, fields, expected] of cases) {
      const answer = await refusal(upload({ ...form, fields: { ...form.fields, ...fields } }));
      assert.ok(answer.startsWith(expected), `${what}: ${answer}`);
    }
    assert.ok((await refusal(upload(without(form, "Content-Type")))).startsWith(`${failed}["starts-with", "$Content-`));
    const outside = await sign("own/${filename}");
    const traversal = upload({ ...outside, fields: { ...outside.fields, key: "other/${filename}" } });
    assert.equal(await refusal(traversal), `${failed}["starts-with", "$key", "own/"]`);
    const twice = upload({ ...form, fields: { ...form.fields, KEY: "yours" } });
    assert.match(await refusal(twice), /^400 InvalidArgument/);
    const elsewhere = upload({ ...form, fields: { ...form.fields, bucket: "other" } });
    assert.match(await refusal(elsewhere), /^403 AccessDenied/);
  });

  it("refuses files outside the policy's sizes, and takes those at its borders", async () => {
    const sized = async (size: number) => upload(await sign(`of-${size}`), { file: Buffer.alloc(size) });
    const tooLarge = "400 EntityTooLarge: Your proposed upload exceeds the maximum allowed size";
    const tooSmall = "400 EntityTooSmall: Your proposed upload is smaller than the minimum allowed size";
    assert.equal(await refusal(sized(1001)), tooLarge);
    assert.equal(await refusal(sized(3_000_000)), tooLarge);
    assert.equal(await refusal(sized(9)), tooSmall);
    assert.equal(await refusal(sized(0)), tooSmall);
    assert.match(await (await sized(1001)).text(), /<ProposedSize>1001<\/ProposedSize><MaxSizeAllowed>1000</);
    assert.equal((await sized(1000)).status, 204);
    assert.equal((await sized(10)).status, 204);
  });

  it("keeps a large file byte by byte", async () => {
    const file = Buffer.alloc(8 * 1024 * 1024, "chirp-\r\n--");
    assert.equal(
      (await upload(await sign("large", { Conditions: [["eq", "$Content-Type", "image/png"]] }), { file })).status,
      204,
    );
    assert.ok(s3.objects.read(s3.bucket, s3.objects.head(s3.bucket, "large")).equals(file));
  });

  it("refuses a form without its file, without its key, or with too much before the file", async () => {
    const form = await sign("incomplete");
    const none = upload(form, { file: null });
    assert.equal(await refusal(none), "400 InvalidArgument: POST requires exactly one file upload per request.");
    assert.match(await refusal(upload(without(form, "key"))), /^400 InvalidArgument: .*'key'/);
    const long = { ...form.fields, "x-ignore-story": "x".repeat(21_000) };
    assert.match(await refusal(upload({ ...form, fields: long })), /^400 MaxPostPreDataLengthExceededError/);
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`x-ignore-${at}`, "x".repeat(1000)]));
    assert.match(
      await refusal(upload({ ...form, fields: { ...form.fields, ...many } })),
      /^400 MaxPostPreDataLengthExceededError/,
    );
  });

  it("refuses policies that it can't read", async () => {
    const policy = async (Conditions: unknown[]) =>
      refusal(upload(await sign("odd", { Conditions: Conditions as PresignedPostOptions["Conditions"] })));
    const simple = "400 InvalidPolicyDocument: Invalid Policy: Invalid Simple-Condition: ";
    assert.match(await policy([{ acl: "private", tagging: "" }]), new RegExp(`^${simple}Simple-Conditions must have`));
    assert.match(await policy([{ acl: 1 }]), new RegExp(`^${simple}value must be a string`));
    for (const odd of [["ends-with", "$key", "d"], ["eq", "key", "odd"], ["content-length-range", 5], ["eq"], "eq"])
      assert.match(await policy([odd]), /^400 InvalidPolicyDocument/, JSON.stringify(odd));
  });

  it("refuses what is no form, or not all of one, and stores nothing of it", async () => {
    const { url, fields } = await sign("cut");
    const plain = fetch(url, { method: "POST", body: "text" });
    assert.match(await refusal(plain), /^412 PreconditionFailed/);
    const raw = (type: string, body: string) => fetch(url, { method: "POST", body, headers: { "Content-Type": type } });
    assert.match(await refusal(raw("multipart/form-data", "text")), /^400 MalformedPOSTRequest/);
    assert.match(await refusal(raw("multipart/form-data; boundary=b", "text")), /^400 MalformedPOSTRequest/);
    const { start } = rawForm(fields);
    assert.match(await refusal(raw("multipart/form-data; boundary=b", start)), /^400 MalformedPOSTRequest/);
  });

  it("stores nothing of an upload whose browser goes away", async () => {
    const { url, fields } = await sign("gone");
    const { start, end } = rawForm(fields);
    const headers = { "Content-Type": "multipart/form-data; boundary=b", "Content-Length": start.length + end.length };
    const sent = request(url, { method: "POST", headers }).on("error", () => undefined);
    sent.write(start);
    await until(() => leftovers().length === 1, { describe: "the upload is being received" });
    sent.destroy();
    await until(() => leftovers().length === 0, { describe: "what came of the upload is dropped" });
    assert.ok(!s3.keys().includes("gone"));
  });

  /** A form as text, its end apart. */
  function rawForm(fields: Fields): { start: string; end: string } {
    const part = (name: string, value: string) => `--b\r\nContent-Disposition: form-data; name=${name}\r\n\r\n${value}`;
    const parts = Object.entries(fields).map(([name, value]) => part(`"${name}"`, `${value}\r\n`));
    return { start: parts.join("") + part('"file"; filename="cat.png"', "half a picture"), end: "\r\n--b--\r\n" };
  }

  it("lets pages of the bucket's origins read the answer, as for other uploads", async () => {
    const from = async (Origin: string) => upload(await sign("shared"), { headers: { Origin } });
    assert.equal((await from(page)).headers.get("Access-Control-Allow-Origin"), page);
    assert.equal((await from("https://evil.example")).headers.get("Access-Control-Allow-Origin"), null);
    const refused = await upload(await sign("shared", { Expires: -1 }), { headers: { Origin: page } });
    assert.equal(refused.headers.get("Access-Control-Allow-Origin"), page);
  });
});
