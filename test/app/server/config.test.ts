import assert from "node:assert/strict";
import { readConfig } from "../../../app/server/config.ts";

const complete = {
  PORT: "8080",
  AWS_REGION: "eu-central-1",
  DB_HOST: "db.example",
  DB_PORT: "3307",
  DB_NAME: "chirp",
  DB_ADMIN_SECRET: "admin",
  DB_APP_SECRET: "app",
  DB_CA: "rds",
  TRUSTED_PROXIES: "1",
};

describe("The service's configuration", () => {
  it("has pictures where a bucket and the front's name are given, with limits that can be set", () => {
    const withMedia = { ...complete, MEDIA_BUCKET: "pictures", MEDIA_HOST: "front.example", FRONT_SECRET: "front" };
    const { media, frontSecret } = readConfig(withMedia);
    assert.deepEqual(media, {
      bucket: "pictures",
      host: "front.example",
      maxBytes: 5 * 1024 * 1024,
      limits: { perMinute: 30, perDay: 500 },
    });
    assert.equal(frontSecret, "front");
    assert.equal(readConfig({ ...withMedia, MEDIA_MAX_BYTES: "1000" }).media?.maxBytes, 1000);
    assert.throws(() => readConfig({ ...complete, MEDIA_BUCKET: "pictures" }), /MEDIA_HOST: goes with MEDIA_BUCKET/);
  });

  it("comes from the environment", () => {
    assert.deepEqual(readConfig(complete), {
      port: 8080,
      inheritsSocket: false,
      region: "eu-central-1",
      database: {
        address: { host: "db.example", port: 3307, database: "chirp", tls: true },
        adminSecret: "admin",
        appSecret: "app",
      },
      trustedProxies: 1,
      frontSecret: undefined,
      tableName: undefined,
      media: undefined,
      maxConnectionAge: 60,
      logLevel: "info",
    });
  });

  it("names a database, a table, or both, and neither is refused with all that could be set", () => {
    const both = readConfig({ ...complete, TABLE_NAME: "chirp-1" });
    assert.equal(both.tableName, "chirp-1");
    assert.equal(both.database?.appSecret, "app");
    const alone = readConfig({ AWS_REGION: "eu-central-1", DB_CA: "", TABLE_NAME: "chirp-1" });
    assert.deepEqual([alone.tableName, alone.database], ["chirp-1", undefined]);
    assert.throws(
      () => readConfig({ AWS_REGION: "eu-central-1", PORT: "eighty" }),
      (error: Error) => {
        for (const name of ["PORT=eighty", "DB_HOST", "DB_NAME", "DB_ADMIN_SECRET", "DB_APP_SECRET", "TABLE_NAME"])
          assert.match(error.message, new RegExp(`${name}: `));
        return true;
      },
    );
    assert.throws(() => readConfig({ ...complete, DB_HOST: undefined, TABLE_NAME: "chirp-1" }), /DB_HOST: is not set/);
  });

  it("uses TLS only where certificates are named, and an inherited socket where there is one", () => {
    const config = readConfig({ ...complete, DB_CA: "", LISTEN_FDS: "1" });
    assert.equal(config.database?.address.tls, false);
    assert.equal(config.inheritsSocket, true);
  });

  it("tells everything that is wrong with it at once", () => {
    assert.throws(
      () => readConfig({ ...complete, PORT: "eighty", DB_HOST: "", AWS_REGION: undefined, TRUSTED_PROXIES: "-1" }),
      (error: Error) => {
        for (const part of [/PORT=eighty: /, /DB_HOST=: is empty/, /AWS_REGION: is not set/, /TRUSTED_PROXIES=-1: /])
          assert.match(error.message, part);
        return true;
      },
    );
  });
});
