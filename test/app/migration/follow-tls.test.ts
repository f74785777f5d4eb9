import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import mysql from "mysql2";
import { follow } from "../../../app/migration/follow.ts";
import { temporaryFolder } from "../../support/folder.ts";
import { until } from "../../support/wait.ts";
import { BinlogServer, MemoryLetters, MemorySink, silent } from "./binlog-fixture.ts";

/** The authorities that connections over TLS trust. */
const { ca: trusted } = (
  mysql as unknown as { ConnectionConfig: { getSSLProfile(name: string): { ca: string[] } } }
).ConnectionConfig.getSSLProfile("Amazon RDS");

/** Makes an authority and a server's certificate by it; false where there is no openssl. */
function makeCertificates(folder: string): boolean {
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const key = ["-newkey", "rsa:2048", "-nodes"];
  try {
    openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=authority");
    openssl("req", ...key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=127.0.0.1");
    openssl(
      "x509",
      "-req",
      "-in",
      "server.csr",
      "-CA",
      "ca.pem",
      "-CAkey",
      "ca.key",
      "-CAcreateserial",
      "-days",
      "2",
      "-out",
      "server.pem",
    );
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return false;
    throw error;
  }
}

/** Bytes of buffers that something still refers to. */
function bytesKept(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().arrayBuffers;
}

describe("Following a database over TLS", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  let server: BinlogServer;
  const ends = new AbortController();

  before(async function () {
    if (!makeCertificates(folder)) this.skip();
    const [cert, key] = [join(folder, "server.pem"), join(folder, "server.key")];
    server = await BinlogServer.start({ ssl_cert: cert, ssl_key: key });
  });

  after(async () => {
    ends.abort();
    await server?.stop();
  });

  const start = async (sink: MemorySink) => {
    const admin = await server.connect();
    await admin.query("CREATE OR REPLACE USER secret@'%' IDENTIFIED BY 'x' REQUIRE SSL");
    await admin.query("GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO secret@'%'");
    return follow({
      source: {
        address: { ...server.address, tls: true },
        credentials: async () => ({ username: "secret", password: "x" }),
      },
      from: await server.position(),
      sink,
      deadLetters: new MemoryLetters(),
      checkpoint: async () => {},
      signal: ends.signal,
      log: silent,
      readAhead: 100_000,
    });
  };

  it("keeps nothing in memory that it cannot write", async () => {
    const authority = readFileSync(join(folder, "ca.pem"), "utf8");
    trusted.push(authority);
    try {
      const [stuck, sink] = [Promise.withResolvers<void>(), new MemorySink()];
      let asked = 0;
      sink.hold = () => {
        asked++;
        return stuck.promise;
      };
      const follower = await start(sink);
      const before = bytesKept();
      const admin = await server.connect();
      const text = "x".repeat(280);
      for (let part = 0; part < 40; part++) {
        const rows = Array.from({ length: 400 }, (_, post) => [
          part * 400 + post + 1,
          1,
          text,
          0,
          0,
          1,
          text.repeat(9),
        ]);
        await admin.query("INSERT INTO posts VALUES ?", [rows]);
      }
      await until(() => asked > 10 && follower.lag().bytes > 30e6, {
        timeout: 30_000,
        describe: "most of it waits",
      });
      const grown = (bytesKept() - before) / 2 ** 20;
      assert.ok(grown < 15, `${Math.round(grown)} MB were kept`);
      stuck.resolve();
      await follower.caughtUp();
      assert.equal(follower.rows, 16_000);
    } finally {
      trusted.splice(trusted.indexOf(authority), 1);
    }
  });

  // Last: mysql2 keeps the authorities of its first connection.
  it("refuses a server that no trusted authority vouches for", async () => {
    const follower = await start(new MemorySink());
    await assert.rejects(follower.finished, { code: "HANDSHAKE_SSL_ERROR" });
  });
});
