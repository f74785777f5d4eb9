import assert from "node:assert/strict";
import { Agent } from "node:http";
import { connect } from "node:net";
import type { Outcome } from "../../local/provider/operations.ts";
import { temporaryFolder } from "../support/folder.ts";
import { http, TestAws } from "../support/local-aws.ts";
import { TestNetwork, types } from "../support/local-network.ts";
import { until } from "../support/wait.ts";

interface Echo {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

describe("application load balancer", function () {
  this.timeout(30_000);
  const folder = temporaryFolder();
  let test: TestAws;
  let network: TestNetwork;
  let first: Outcome;
  let second: Outcome;
  before(async () => {
    test = await TestAws.start(folder);
    network = await TestNetwork.make(test, "web");
    [first, second] = await Promise.all([network.healthyServer("first"), network.healthyServer("second")]);
  });
  after(() => test.stop());

  const get = (path = "/", options = {}) => http(network.port, path, options);
  const idOf = (body: string) => (JSON.parse(body) as { id: string }).id;

  it("sends requests to its healthy targets in turn", async () => {
    const answers = [await get(), await get(), await get(), await get()].map(({ body }) => idOf(body));
    assert.deepEqual(new Set(answers), new Set([first.id, second.id]));
    assert.equal(answers[0], answers[2]);
  });

  it("tells servers who the client is, and passes bodies and headers on", async () => {
    const headers = { "X-Forwarded-For": "198.51.100.1", "X-Custom": "kept", Host: "chirp.localhost" };
    const { body } = await get("/echo", { method: "POST", headers, body: "hello", from: "127.0.0.77" });
    const echo = JSON.parse(body) as Echo;
    assert.deepEqual([echo.method, echo.body], ["POST", "hello"]);
    assert.equal(echo.headers["x-forwarded-for"], "198.51.100.1, 127.0.0.77");
    assert.deepEqual([echo.headers["x-forwarded-proto"], echo.headers["x-forwarded-port"]], ["http", "80"]);
    assert.deepEqual([echo.headers["x-custom"], echo.headers.host], ["kept", "chirp.localhost"]);
    assert.match(String(echo.headers["x-amzn-trace-id"]), /^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/);
  });

  it("makes no body up for a request without one", async () => {
    // Node's own client, like browsers, would say "Content-Length: 0"; curl says nothing.
    const socket = connect(network.port, "127.0.0.1");
    socket.write("PUT /echo HTTP/1.1\r\nHost: chirp.localhost\r\nConnection: close\r\n\r\n");
    const text = (await socket.toArray()).join("");
    const { headers } = JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1)) as Echo;
    assert.deepEqual([headers["transfer-encoding"], headers["content-length"]], [undefined, "0"]);
  });

  it("keeps clients' connections and its own to the targets", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const remote = async () => {
      const { body } = await get("/", { agent });
      return JSON.parse(body) as { id: string };
    };
    for (let count = 0; count < 6; count++) await remote();
    assert.equal(Object.values(agent.freeSockets).flat().length, 1);
    agent.destroy();
  });

  it("answers 502 when a target resets, 504 when nobody may reach it, and cuts what was half sent", async () => {
    assert.equal((await get("/reset")).status, 502);
    await assert.rejects(get("/half"), /aborted|ECONNRESET/);
    const [egress] = test.aws.registry.ofType(types.egress);
    const rule = { id: egress?.id ?? "", inputs: {}, outputs: {} };
    await test.delete(types.egress, "web-out", rule);
    assert.equal((await get()).status, 504);
    await network.becomes(first.id, "unhealthy");
    const inside = network.serverGroup.id;
    await network.allow("out", types.egress, {
      securityGroupId: network.balancerGroup.id,
      referencedSecurityGroupId: inside,
    });
    await Promise.all([first, second].map(({ id }) => network.becomes(id, "healthy")));
  });

  it("takes an unhealthy target out after its threshold, and back in after the other", async () => {
    const direct = test.aws.instances.localPort(first.id, 80) ?? assert.fail();
    await http(direct, "/become?health=bad");
    await network.becomes(first.id, "unhealthy");
    const target = test.aws.targets.list(network.targets.id).find(({ id }) => id === first.id);
    assert.equal(target?.reason, "Target.ResponseCodeMismatch");
    for (let count = 0; count < 4; count++) assert.equal(idOf((await get()).body), second.id);
    await http(direct, "/become?health=good");
    await network.becomes(first.id, "healthy");
  });

  it("lets a target that leaves finish its requests, and gives it no new ones", async () => {
    const third = await network.server("third");
    const attachment = await network.attach("third", third);
    await network.becomes(third.id, "healthy");
    const slow = Array.from({ length: 3 }, () => get("/slow?ms=400"));
    await until(() => test.aws.targets.list(network.targets.id).every(({ busy }) => busy === 1), {
      describe: "every target has a request",
    });
    await test.delete(types.attachment, "web-third", attachment);
    assert.equal(network.state(third.id), "draining");
    for (let count = 0; count < 4; count++) assert.notEqual(idOf((await get()).body), third.id);
    assert.ok((await Promise.all(slow)).every(({ status }) => status === 200));
    await network.becomes(third.id, undefined, 1000);
  });

  it("ends a target that does not finish when the deregistration delay is over", async () => {
    const small = await TestNetwork.make(test, "short", { targets: { deregistrationDelay: 0.3 } });
    const server = await small.healthyServer("server");
    const slow = http(small.port, "/slow?ms=2000");
    await until(() => test.aws.targets.list(small.targets.id)[0]?.busy === 1, { describe: "the request is under way" });
    test.aws.targets.deregister(small.targets.id, server.id);
    await small.becomes(server.id, undefined, 1000);
    assert.equal((await http(small.port, "/")).status, 503, "there is no target left");
    assert.equal((await slow).status, 200, "the connection is not cut");
  });

  it("does not check targets that no listener leads to", async () => {
    const idle = await TestNetwork.make(test, "idle");
    await test.delete(types.listener, "idle", idle.listener);
    const server = await idle.server("server");
    await idle.attach("server", server);
    assert.equal(idle.state(server.id), "unused");
    await idle.listen({ type: "forward", targetGroupArn: idle.targets.id });
    await idle.becomes(server.id, "healthy");
    await test.delete(types.listener, "idle", idle.listener);
    assert.equal(idle.state(server.id), "unused");
    await assert.rejects(test.delete(types.targetGroup, "web", network.targets), /ResourceInUse/);
  });

  it("tries everybody when nobody is healthy, as AWS does", async () => {
    const sick = await TestNetwork.make(test, "sick");
    const server = await sick.server("server", { FAIL_HEALTH: "1" });
    await sick.attach("server", server);
    await sick.becomes(server.id, "unhealthy");
    await until(async () => idOf((await http(sick.port, "/")).body) === server.id, {
      describe: "it is asked all the same",
    });
    assert.equal(sick.state(server.id), "unhealthy");
  });

  it("redirects and answers by itself where a listener says so", async () => {
    const answering = await TestNetwork.make(test, "answering");
    await test.update(types.listener, "answering", answering.listener, {
      ...answering.listener.inputs,
      defaultActions: [{ type: "redirect", redirect: { protocol: "HTTPS", port: "443", statusCode: "HTTP_301" } }],
    });
    const moved = await http(answering.port, "/a?b=1", { headers: { Host: "chirp.localhost:8080" } });
    assert.deepEqual([moved.status, moved.headers.location], [301, "https://chirp.localhost:443/a?b=1"]);
    const fixed = {
      type: "fixed-response",
      fixedResponse: { statusCode: "200", contentType: "text/plain", messageBody: "ok" },
    };
    await test.update(types.listener, "answering", answering.listener, {
      ...answering.listener.inputs,
      defaultActions: [fixed],
    });
    assert.equal((await http(answering.port, "/")).body, "ok");
  });

  it("has no certificates, and says so", () => {
    const inputs = { loadBalancerArn: "arn", port: 443, protocol: "HTTPS", defaultActions: [{ type: "forward" }] };
    assert.throws(
      () => test.check(types.listener, "https", inputs),
      /no certificates, so no HTTPS: leave certificateArn out/,
    );
  });

  it("refuses connections that its security group does not let in", async () => {
    const closed = await TestNetwork.make(test, "closed");
    await closed.attach("first", first);
    const [rule] = test.aws.registry.ofType(types.ingress).filter(({ name }) => name === "closed-world");
    await test.delete(types.ingress, "closed-world", { id: rule?.id ?? "", inputs: {}, outputs: {} });
    await assert.rejects(http(closed.port, "/"), /ECONNRESET|hang up/);
  });

  it("ends idle connections when its listener goes, and finishes the others", async () => {
    const leaving = await TestNetwork.make(test, "leaving");
    await leaving.healthyServer("server");
    const { port } = leaving;
    const idle = connect(port, "127.0.0.1");
    const ended = new Promise((resolve) => idle.on("close", resolve));
    const slow = http(port, "/slow?ms=300");
    await until(() => test.aws.targets.list(leaving.targets.id)[0]?.busy === 1, { describe: "a request is under way" });
    await test.delete(types.listener, "leaving", leaving.listener);
    await ended;
    assert.equal((await slow).status, 200);
    await assert.rejects(http(port, "/"), { code: "ECONNREFUSED" });
  });
});
