import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Bucket } from "../../../app/aws/bucket.ts";
import { Secrets } from "../../../app/aws/secrets.ts";
import { s3Credentials } from "../../support/test-s3.ts";

/** An AWS that takes connections and never says a word: nobody who asks for a page may wait for it for ever. */
describe("A silent AWS is given up on", () => {
  const endpoints = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SECRETS_MANAGER"];
  const variables = [...Object.keys(s3Credentials), ...endpoints];
  const earlier = new Map(variables.map((name) => [name, process.env[name]]));
  const sockets: Socket[] = [];
  let silent: Server;

  before(async () => {
    silent = createServer((socket) => {
      sockets.push(socket.on("error", () => {}));
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    Object.assign(process.env, s3Credentials, Object.fromEntries(endpoints.map((name) => [name, url])));
  });
  after(() => {
    for (const [name, value] of earlier)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it("by whoever looks for a picture", async () => {
    await assert.rejects(new Bucket("eu-central-1", "pictures", 50).facts("a"), { name: "TimeoutError" });
  });

  it("by whoever reads a secret", async () => {
    await assert.rejects(new Secrets("eu-central-1", 50).readText("a"), { name: "TimeoutError" });
  });
});
