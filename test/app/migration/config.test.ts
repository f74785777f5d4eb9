import assert from "node:assert/strict";
import { readWorkerConfig } from "../../../app/migration/config.ts";

const complete = {
  AWS_REGION: "eu-central-1",
  DB_HOST: "primary",
  DB_NAME: "chirp",
  WORKER_SECRET: "worker",
  TABLE_NAME: "chirp-table",
  JOURNAL_TABLE: "chirp-journal",
  STRATEGY: "snapshot",
  RUN: "3",
  COPY_HOST: "copy",
  COPY_PORT: "3307",
  STACK: "dev",
};

describe("the worker's configuration", () => {
  it("is read from the environment", () => {
    const config = readWorkerConfig(complete);
    assert.deepEqual(config.primary, { host: "primary", port: 3306, database: "chirp", tls: false });
    assert.deepEqual(config.copy, { host: "copy", port: 3307, database: "chirp", tls: false });
    assert.equal(config.run, 3);
    assert.equal(config.port, 80);
    const bulk = { ...complete, COPY_HOST: undefined };
    assert.equal(readWorkerConfig({ ...bulk, STRATEGY: "bulk", DB_CA: "rds" }).copy, undefined);
    assert.equal(readWorkerConfig({ ...bulk, STRATEGY: "bulk", DB_CA: "rds" }).primary.tls, true);
  });

  it("names everything that is wrong at once", () => {
    assert.throws(() => readWorkerConfig({ ...complete, DB_HOST: "", STRATEGY: "copy", RUN: "0", STACK: undefined }), {
      message: [
        "The environment does not configure the migration's worker:",
        "  DB_HOST=: is empty",
        "  STRATEGY=copy: must be snapshot, dual-write or bulk",
        "  RUN=0: must be a whole number from 1 to 1000000000",
        "  STACK: is not set",
      ].join("\n"),
    });
  });

  it("has a copy with a snapshot, and only then", () => {
    assert.throws(
      () => readWorkerConfig({ ...complete, COPY_HOST: undefined }),
      /COPY_HOST: is not set; with STRATEGY=snapshot/,
    );
    assert.throws(
      () => readWorkerConfig({ ...complete, STRATEGY: "bulk" }),
      /COPY_HOST=copy: is for STRATEGY=snapshot only/,
    );
  });
});
