import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { type Artifact, keepArtifact } from "../../components/delivery/artifact.ts";
import { Delivery, type DeliveryArgs } from "../../components/delivery/delivery.ts";
import { temporaryFolder } from "../support/folder.ts";
import { resolved, runProgram } from "../support/program.ts";

const objectType = "aws:s3/bucketObjectv2:BucketObjectv2";
const artifact = (letter: string): Artifact => ({ path: `/somewhere/${letter}.mjs`, sha256: letter.repeat(64) });
const usual: DeliveryArgs = {
  releaseName: "/chirp/dev/release",
  agent: artifact("a"),
  server: artifact("b"),
  environment: { DB_HOST: "db", DB_PORT: "3306" },
  teardown: false,
};
const delivery = (args: Partial<DeliveryArgs> = {}) =>
  runProgram(() => void new Delivery("chirp", { ...usual, ...args }));

describe("delivery", () => {
  it("keeps bundles in a private, encrypted, versioned bucket", async () => {
    const run = await delivery();
    const bucket = "chirp-releases-1a2b3c4";
    const closed = run.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "chirp-releases-public-access");
    assert.deepEqual(closed.inputs, {
      bucket,
      blockPublicAcls: true,
      blockPublicPolicy: true,
      ignorePublicAcls: true,
      restrictPublicBuckets: true,
    });
    const versioning = run.one("aws:s3/bucketVersioning:BucketVersioning", "chirp-releases-versioning");
    assert.deepEqual(versioning.inputs.versioningConfiguration, { status: "Enabled" });
    assert.equal(run.of("aws:s3/bucketOwnershipControls:BucketOwnershipControls").length, 1);
    const encryption = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";
    assert.equal(run.of(encryption).length, 1);
  });

  it("refuses requests without TLS, once the bucket is closed to the public", async () => {
    const run = await delivery();
    const policy = run.one("aws:s3/bucketPolicy:BucketPolicy", "chirp-releases-policy");
    const closed = run.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "chirp-releases-public-access");
    assert.ok(policy.dependencies.includes(closed.urn));
    const [statement] = JSON.parse(policy.inputs.policy as string).Statement;
    assert.equal(statement.Effect, "Deny");
    assert.deepEqual(statement.Condition, { Bool: { "aws:SecureTransport": "false" } });
    assert.deepEqual(statement.Resource, ["arn:chirp-releases", "arn:chirp-releases/*"]);
  });

  it("protects the bucket, and lets it go with what is in it in teardown only", async () => {
    const kept = (await delivery()).one("aws:s3/bucket:Bucket", "chirp-releases");
    assert.equal(kept.protect, true);
    assert.equal(kept.inputs.forceDestroy, false);
    const going = (await delivery({ teardown: true })).one("aws:s3/bucket:Bucket", "chirp-releases");
    assert.equal(going.protect, false);
    assert.equal(going.inputs.forceDestroy, true);
  });

  it("stores bundles under their hashes and keeps old ones for servers that were started with them", async () => {
    const run = await delivery();
    assert.equal(run.one(objectType, "chirp-release-agent").inputs.key, `agent/${"a".repeat(64)}.mjs`);
    assert.equal(run.one(objectType, "chirp-release-server").inputs.key, `server/${"b".repeat(64)}.mjs`);
    assert.ok(run.of(objectType).every(({ retainOnDelete }) => retainOnDelete));
  });

  it("writes a release that the bootstrap's pattern can read", async () => {
    const { inputs } = (await delivery()).one("aws:ssm/parameter:Parameter", "chirp-release");
    assert.equal(inputs.name, "/chirp/dev/release");
    const value = inputs.value as string;
    const bootstrap = await readFile(new URL("../../app/agent/bootstrap.sh", import.meta.url), "utf8");
    const pattern = /^agent='(.*)'$/m.exec(bootstrap)?.[1];
    assert.ok(pattern);
    const bucket = "chirp-releases-1a2b3c4";
    const found = new RegExp(pattern).exec(value);
    assert.deepEqual(found?.slice(1), [bucket, `agent/${"a".repeat(64)}.mjs`, "a".repeat(64)]);
    assert.deepEqual(JSON.parse(value), {
      agent: { bucket, key: `agent/${"a".repeat(64)}.mjs`, sha256: "a".repeat(64) },
      server: { bucket, key: `server/${"b".repeat(64)}.mjs`, sha256: "b".repeat(64) },
      env: { DB_HOST: "db", DB_PORT: "3306" },
    });
  });

  it("gives the release's version", async () => {
    let made: Delivery | undefined;
    await runProgram(() => {
      made = new Delivery("chirp", usual);
    });
    assert.equal(await resolved(made?.releaseVersion ?? 0), 3);
  });
});

describe("artifacts", () => {
  it("are kept under their hash, whole, also when two programs keep the same at once", async () => {
    const folder = temporaryFolder();
    const bundle = { code: "export {};\n", sha256: "c".repeat(64) };
    const kept = await Promise.all([keepArtifact(bundle, folder), keepArtifact(bundle, folder)]);
    assert.deepEqual(kept[0], kept[1]);
    assert.equal(await readFile(kept[0].path, "utf8"), bundle.code);
    assert.deepEqual(await readdir(folder), [`${bundle.sha256}.mjs`]);
  });
});
