import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { startServer } from "../../../app/agent/server-process.ts";
import { listeningSocket } from "../../../app/agent/socket.ts";
import { temporaryFolder } from "../../support/folder.ts";

/** A server that does as the real one: takes descriptor 3, says so, and stops accepting when retired. */
const source = `
import { createServer } from "node:http";
const server = createServer((_, response) => response.setHeader("connection", "close").end(process.env.NAME));
server.listen({ fd: 3 }, () => process.send({ type: "listening" }));
process.on("message", ({ type }) => type === "retire" && server.close(() => process.disconnect()));
process.on("SIGTERM", () => {});
process.on("disconnect", () => process.exit(0));
`;

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("agent socket", () => {
  const folder = temporaryFolder();

  it("is the one systemd holds, where there is one", () => {
    assert.deepEqual(listeningSocket({ LISTEN_FDS: "1", PORT: "1" }), { fd: 3, inherited: true });
  });

  it("refuses a port that is taken, naming it", async () => {
    const other = net.createServer().listen(0, "::");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as net.AddressInfo;
    assert.throws(() => listeningSocket({ PORT: String(port) }), new RegExp(`Port ${port} can't be bound`));
    await new Promise((resolve) => other.close(resolve));
  });

  it("answers every connection while one server takes over from another", async () => {
    const path = join(folder, "server.mjs");
    writeFileSync(path, source);
    const port = await freePort();
    const socket = listeningSocket({ PORT: String(port) });
    const first = startServer(path, { ...process.env, NAME: "first" }, socket.fd);
    await first.listening;

    const answers: string[] = [];
    let asking = true;
    const asked = (async () => {
      while (asking) answers.push(await (await fetch(`http://127.0.0.1:${port}/`)).text());
    })();
    const second = startServer(path, { ...process.env, NAME: "second" }, socket.fd);
    await second.listening;
    first.retire();
    assert.equal(await first.ended, "exit code 0");
    answers.push("retired");
    answers.push(await (await fetch(`http://127.0.0.1:${port}/`)).text());
    asking = false;
    await asked;

    assert.equal(answers[0], "first");
    assert.ok(answers.slice(answers.indexOf("retired") + 2).every((answer) => answer === "second"));
    second.retire();
    assert.equal(await second.ended, "exit code 0");
  });

  it("reports a server that ends before it listens", async () => {
    const path = join(folder, "broken.mjs");
    writeFileSync(path, "process.exit(3);");
    const socket = listeningSocket({ PORT: String(await freePort()) });
    const broken = startServer(path, process.env, socket.fd);
    await assert.rejects(broken.listening, /exit code 3/);
    assert.equal(await broken.ended, "exit code 3");
  });
});
