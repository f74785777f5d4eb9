import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { askHealth } from "../../../app/functions/gate/health.ts";
import { temporaryFolder } from "../../support/folder.ts";

/** Doors as AWS has them: real servers, with a real certificate for chirp.example.com. */
describe("gate: what a door answers", () => {
  const folder = temporaryFolder();
  const servers: Server[] = [];
  let key: string;
  let cert: string;

  before(() => {
    const files = ["-keyout", join(folder, "key"), "-out", join(folder, "cert")];
    const subject = ["-subj", "/CN=chirp.example.com", "-addext", "subjectAltName=DNS:chirp.example.com"];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    execFileSync("openssl", ["req", "-x509", "-nodes", ...curve, ...files, ...subject], { stdio: "ignore" });
    [key, cert] = [readFileSync(join(folder, "key"), "utf8"), readFileSync(join(folder, "cert"), "utf8")];
  });
  after(() => {
    for (const server of servers) server.close();
  });

  async function door(server: Server): Promise<number> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return (server.address() as AddressInfo).port;
  }

  /** A door that leads to HTTPS at the name that was asked for, as load balancers and CloudFront do. */
  async function secured(answer: RequestListener): Promise<string> {
    const port = await door(createSecureServer({ key, cert }, answer));
    const plain = createServer(({ headers, url }, response) => {
      response.writeHead(301, { Location: `https://${headers.host?.split(":")[0]}:${port}${url}` }).end();
    });
    return `127.0.0.1:${await door(plain)}`;
  }

  it("is its own status over HTTP, asked for by the name that clients use", async () => {
    let asked: IncomingMessage | undefined;
    const port = await door(
      createServer((request, response) => {
        asked = request;
        response.writeHead(503).end();
      }),
    );
    assert.deepEqual(await askHealth(`127.0.0.1:${port}`, "chirp.example.com"), { status: 503 });
    assert.deepEqual([asked?.url, asked?.headers.host], ["/health", "chirp.example.com"]);
    assert.ok(asked?.headers["user-agent"], "WAF turns away who doesn't say what they are");
    await askHealth(`127.0.0.1:${port}`);
    assert.equal(asked?.headers.host, `127.0.0.1:${port}`);
  });

  it("is what is behind the redirect to HTTPS, at the door itself", async () => {
    let asked: IncomingMessage | undefined;
    let status = 502;
    const address = await secured((request, response) => {
      asked = request;
      response.writeHead(status).end();
    });
    assert.deepEqual(await askHealth(address, "chirp.example.com", cert), { status: 502 });
    assert.match(asked?.headers.host ?? "", /^chirp\.example\.com/);
    status = 200;
    assert.deepEqual(await askHealth(address, "chirp.example.com", cert), { status: 200 });
  });

  it("is none when the certificate is for another name, and says so", async () => {
    const address = await secured((_request, response) => void response.writeHead(200).end());
    const { status, error } = await askHealth(address, "other.example.com", cert);
    assert.equal(status, undefined);
    assert.match(error ?? "", /other\.example\.com/);
  });

  it("is none where nobody is, or nobody answers", async () => {
    const port = await door(createServer());
    servers.pop()?.close();
    assert.match((await askHealth(`127.0.0.1:${port}`)).error ?? "", /ECONNREFUSED/);
  });
});
