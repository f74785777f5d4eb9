import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { openFolder } from "../../climb/folder.ts";
import { freePort } from "../../local/process/ports.ts";
import { run } from "../../tools/run.ts";
import { temporaryFolder } from "../support/folder.ts";
import { allGone, startRunner } from "../support/runner.ts";
import { until } from "../support/wait.ts";

describe("npm start", function () {
  this.timeout(30_000);
  const root = temporaryFolder();
  const main = join(import.meta.dirname, "../../climb/main.ts");
  const start = (...args: string[]) => run(process.execPath, [main, ...args]);

  it("prints its flags", async () => {
    const { code, stdout } = await start("--help");
    assert.equal(code, 0);
    assert.match(stdout, /--no-traffic/);
  });

  it("tells everything that is wrong with its flags, and does nothing", async () => {
    const { code, stdout, stderr } = await start("--phase", "0", "--speed", "--dir", join(root, "unused"));
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /--speed is not known\n--phase is "0".*\nnpm start -- --help/);
    assert.ok(!existsSync(join(root, "unused")));
  });

  it("names the port that is taken, and another", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await start("--port", String(port), "--dir", join(root, "port"));
    server.close();
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^Port ${port} is taken .*npm start -- --port \\d+\\n$`));
  });

  it("leaves a folder alone that is not its own", async () => {
    const dir = join(root, "others");
    mkdirSync(dir);
    writeFileSync(join(dir, "thesis.txt"), "");
    const { code, stderr } = await start("--fresh", "--dir", dir);
    assert.equal(code, 1);
    assert.match(stderr, /is not the folder of a local stack/);
    assert.deepEqual(readdirSync(dir), ["thesis.txt"]);
  });

  it("begins no update once it has been asked to stop, and leaves nothing running", async () => {
    const dir = join(root, "stopped");
    const { exited, signal, stdout } = startRunner("--port", String(await freePort()), "--dir", dir);
    await until(() => existsSync(join(dir, "aws/lock")), { timeout: 20_000, describe: "the local AWS starts" });
    signal("SIGINT");
    assert.equal(await exited, 130);
    assert.doesNotMatch(stdout(), /pulumi up/);
    await allGone(dir);
  });

  it("refuses to be the second on a folder, naming the first", async () => {
    const dir = join(root, "taken");
    const folder = await openFolder(dir, { fresh: false });
    const { code, stderr } = await start("--dir", dir);
    await folder.release();
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^Process ${process.pid} is already running the stack in ${dir}\\.`));
  });
});
