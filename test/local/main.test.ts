import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Status } from "../../local/endpoint/control.ts";
import type { Ready } from "../../local/main.ts";
import { freePort, isListening } from "../../local/process/ports.ts";
import { temporaryFolder } from "../support/folder.ts";
import { localAwsProgram as program, startLocalAwsProcess } from "../support/local-aws-process.ts";
import { until } from "../support/wait.ts";

describe("local AWS process", function () {
  this.timeout(20_000);
  const folder = temporaryFolder();
  const children: ChildProcess[] = [];
  after(() => {
    for (const child of children) child.kill("SIGKILL");
  });

  const start = async (dir: string) => {
    const started = await startLocalAwsProcess(dir);
    children.push(started.child);
    return started;
  };
  const refused = async (...args: string[]) => {
    const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    children.push(child);
    let complaints = "";
    child.stderr.on("data", (chunk) => {
      complaints += chunk;
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    return { code, complaints };
  };
  const portOf = (url: string) => Number(new URL(url).port);
  const ended = (child: ChildProcess) =>
    child.exitCode !== null ? child.exitCode : new Promise<number | null>((resolve) => child.once("exit", resolve));

  it("says where everything is, in one message, and tells its state", async () => {
    const { child, ready } = await start(join(folder, "says"));
    assert.deepEqual(Object.keys(ready).sort(), ["endpoint", "entryUrl", "providerPort", "type"]);
    assert.ok(await isListening(ready.providerPort));
    const response = await fetch(`${ready.endpoint}/_chirp/status`);
    const status = (await response.json()) as Status;
    assert.deepEqual([status.database, status.record, status.instances], [null, null, []]);
    const stopping = await fetch(`${ready.endpoint}/_chirp/stop`, { method: "POST" });
    assert.equal(stopping.status, 200);
    assert.equal(await ended(child), 0);
  });

  it("prints the same line where there is nobody to send it to", async () => {
    const child = spawn(process.execPath, [program, "--dir", join(folder, "prints"), "--port", "0"]);
    children.push(child);
    const [line] = (await child.stdout.take(1).toArray()) as Buffer[];
    assert.equal((JSON.parse(String(line)) as Ready).type, "ready");
    child.kill("SIGINT");
    assert.equal(await ended(child), 0);
  });

  it("refuses a folder that is in use, and takes it over from a process that was killed", async () => {
    const dir = join(folder, "locked");
    const { child, end } = await start(dir);
    const second = await refused("--dir", dir, "--port", "0");
    assert.deepEqual([second.code, second.complaints.includes(`is in use by process ${child.pid}`)], [1, true]);
    await end("SIGKILL");
    const next = await start(dir);
    assert.equal(await next.end("SIGTERM"), 0);
  });

  it("says which port is taken, and which values make no port", async () => {
    const port = await freePort();
    const holder = createServer().listen(port, "127.0.0.1");
    try {
      const taken = await refused("--dir", join(folder, "taken"), "--port", String(port));
      assert.equal(taken.code, 1);
      assert.match(taken.complaints, new RegExp(`^Port ${port} on 127.0.0.1 is taken.*--port\n$`));
    } finally {
      holder.close();
    }
    const wrong = await refused("--dir", join(folder, "taken"), "--port", "eighty");
    assert.match(wrong.complaints, /^--port is "eighty"; give a port/);
  });

  it("stops with its parent", async () => {
    const parent = spawn(
      process.execPath,
      [
        "--input-type=module",
        "--eval",
        `import { fork } from "node:child_process";
         const child = fork(${JSON.stringify(program)}, ["--dir", ${JSON.stringify(join(folder, "child"))}, "--port", "0"], { execArgv: [] });
         child.on("message", (ready) => console.log(JSON.stringify({ ...ready, pid: child.pid })));`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const [line] = (await parent.stdout.take(1).toArray()) as Buffer[];
    const { pid, endpoint } = JSON.parse(String(line)) as Ready & { pid: number };
    parent.kill("SIGKILL");
    await until(() => !isRunning(pid), { describe: "the orphan has ended" });
    assert.equal(await isListening(portOf(endpoint)), false);
  });
});

/** Whether a process runs; one that only waits to be reaped does not. */
function isRunning(pid: number): boolean {
  try {
    return !execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).startsWith("Z");
  } catch {
    return false;
  }
}
