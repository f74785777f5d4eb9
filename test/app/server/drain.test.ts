import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import type { RowDataPacket } from "mysql2/promise";
import { ApiClient } from "../../support/api-client.ts";
import { listeningSocket } from "../../support/listening-socket.ts";
import { Load } from "../../support/load.ts";
import { type SecretsManager, startSecretsManager } from "../../support/secrets-manager.ts";
import { type ServerProcess, type ServerProcessOptions, startServerProcess } from "../../support/server-process.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";
import { type TestDatabase, testDatabase } from "../../support/test-database.ts";
import { until } from "../../support/wait.ts";

describe("A server process", function () {
  this.timeout(120_000);
  let database: TestDatabase;
  let secrets: SecretsManager;
  const running: ServerProcess[] = [];

  before(async () => {
    database = await testDatabase();
    secrets = await startSecretsManager({ admin: JSON.stringify(database.admin), app: "" });
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.stop()));
  });
  after(() => secrets?.stop());

  async function start(options: Partial<ServerProcessOptions> = {}): Promise<ServerProcess> {
    const server = await startServerProcess({
      database: database.address,
      secretsEndpoint: secrets.endpoint,
      ...options,
    });
    running.push(server);
    return server;
  }

  it("is replaced twice on its listening socket under load without failing a request or losing a write", async () => {
    const socket = listeningSocket();
    let current = await start({ socket: socket.fd });
    await current.ready();
    const client = new ApiClient(current.url);
    await client.post("/api/signup", { name: "loader", password: "correct horse" });
    let posts = 0;
    const load = new Load({
      url: current.url,
      rate: 200,
      connections: 30,
      headers: { Cookie: client.cookie },
      next: (index) =>
        index % 10 === 0
          ? { method: "POST", path: "/api/posts", body: JSON.stringify({ text: `Post ${++posts}` }) }
          : { method: "GET", path: index % 2 ? "/api/home" : "/api/users/loader" },
    });
    await until(() => load.result.answered > 100, { describe: "the load flows" });

    for (const how of ["retired", "by SIGTERM alone"]) {
      const next = await start({ socket: socket.fd });
      await next.ready();
      const exited = once(current.process, "exit");
      if (how === "retired") current.process.send({ type: "retire" });
      current.process.kill("SIGTERM");
      assert.deepEqual(await exited, [0, null], how);
      const sofar = load.result.answered;
      await until(() => load.result.answered > sofar + 100, { describe: "the load flows on" });
      current = next;
    }

    const { failures, answered } = await load.stop();
    assert.deepEqual(failures, []);
    assert.ok(answered > 300);
    const admin = await database.connect();
    const [[row]] = await admin.query<RowDataPacket[]>("SELECT COUNT(DISTINCT text) AS n FROM posts");
    assert.equal(Number(row?.n), posts);
    socket.close();
  });

  it("that is drained goes on answering, asks clients to close, and leaves when it has been quiet", async () => {
    const server = await start();
    await server.ready();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = () =>
      new Promise<string | undefined>((resolve, reject) => {
        request(`${server.url}/health`, { agent }, (response) => {
          assert.equal(response.statusCode, 200);
          response.resume().on("end", () => resolve(response.headers.connection));
        })
          .on("error", reject)
          .end();
      });
    assert.equal(await ask(), "keep-alive");
    const exited = once(server.process, "exit");
    server.process.kill("SIGTERM");
    await until(() => server.log().includes("draining"));
    assert.equal(await ask(), "close");
    assert.equal(await ask(), "close", "new connections are accepted, too");
    const start_ = performance.now();
    assert.deepEqual(await exited, [0, null]);
    const took = performance.now() - start_;
    assert.ok(took > 900 && took < 10_000, `it left after ${took} ms`);
    agent.destroy();
  });

  it("finishes the request that it is working on when it is drained", async () => {
    const server = await start();
    await server.ready();
    const client = new ApiClient(server.url);
    await client.post("/api/signup", { name: "slow", password: "correct horse" });
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    const body = JSON.stringify({ text: "slowly typed" });
    socket.write(
      `POST /api/posts HTTP/1.1\r\nHost: ${hostname}\r\nCookie: ${client.cookie}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
    );
    // The request has begun when another on its own connection is answered after it.
    await client.get("/health");
    server.process.kill("SIGTERM");
    await until(() => server.log().includes("draining"));
    await new Promise((resolve) => setTimeout(resolve, 1500)); // longer than "quiet": only the request keeps it alive
    assert.equal(server.process.exitCode, null);
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk;
    });
    socket.write(body.slice(5));
    await once(socket, "close");
    assert.match(answer, /^HTTP\/1\.1 201 Created/);
    assert.match(answer, /Connection: close/i);
  });

  it("drains when whoever started it goes away", async () => {
    const server = await start();
    const exited = once(server.process, "exit");
    server.process.disconnect();
    assert.deepEqual(await exited, [0, null]);
    assert.match(server.log(), /"reason":"disconnect"/);
  });

  it("asks old connections to close, so that their clients look the address up again", async () => {
    const server = await start({ env: { MAX_CONNECTION_AGE_SECONDS: "1" } });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = () =>
      new Promise<string | undefined>((resolve) => {
        request(`${server.url}/health`, { agent }, (response) =>
          response.resume().on("end", () => resolve(response.headers.connection)),
        ).end();
      });
    assert.equal(await ask(), "keep-alive");
    await until(async () => (await ask()) === "close", { describe: "the connection is old" });
    assert.equal(await ask(), "keep-alive", "the next one is young");
    agent.destroy();
  });

  it("that starts before its database is alive, not ready, answers 503, and recovers by itself", async () => {
    const placeholder = await startTcpProxy(database.address);
    await placeholder.stop();
    const server = await start({ database: { ...database.address, port: placeholder.port } });
    const client = new ApiClient(server.url);
    assert.equal((await client.get("/health")).status, 200);
    assert.equal((await client.get("/ready")).status, 503);
    assert.equal((await client.get("/")).status, 200);
    const refused = await client.get("/api/users/loader");
    assert.deepEqual([refused.status, refused.body.error.code], [503, "unavailable"]);
    assert.equal(refused.headers.get("Retry-After"), "1");
    const wire = await startTcpProxy(database.address, placeholder.port);
    await server.ready();
    await wire.stop();
    await until(async () => (await client.get("/ready")).status === 503, { describe: "the loss is noticed" });
    assert.equal((await client.get("/health")).status, 200);
    const back = await startTcpProxy(database.address, placeholder.port);
    await server.ready();
    running.splice(0);
    assert.equal(await server.stop(), 0);
    await back.stop();
  });

  it("says what is wrong with its environment, without a stack trace", async () => {
    const starting = startServerProcess({
      database: { ...database.address, host: "" },
      secretsEndpoint: secrets.endpoint,
      env: { TRUSTED_PROXIES: "many" },
    });
    await assert.rejects(starting, (error: Error) => {
      assert.match(error.message, /exited with 1/);
      assert.match(error.message, /DB_HOST=: is empty/);
      assert.match(error.message, /TRUSTED_PROXIES=many/);
      assert.doesNotMatch(error.message, /\n\s+at /);
      return true;
    });
  });

  it("says so when its port is taken", async () => {
    const { port } = await start();
    const second = startServerProcess({
      database: database.address,
      secretsEndpoint: secrets.endpoint,
      env: { PORT: String(port) },
    });
    await assert.rejects(second, /port \d+ is in use/i);
  });
});
