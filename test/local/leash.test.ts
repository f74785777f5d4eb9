import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { leash } from "../../local/process/leash.ts";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/wait.ts";

const leashModule = JSON.stringify(new URL("../../local/process/leash.ts", import.meta.url).href);

describe("leash", () => {
  const folder = temporaryFolder();
  const log = join(folder, "output.log");
  const shell = (script: string, more = {}) => leash({ command: "sh", args: ["-c", script], log, ...more });
  const printed = (pattern: RegExp) =>
    until(async () => pattern.exec(await readFile(log, "utf8")), { describe: `the log has ${pattern}` });

  it("runs a command with the given environment and keeps its output in the log", async () => {
    const env = { PATH: process.env.PATH, GREETING: "hello" };
    const running = await shell('echo "$GREETING from $$"; exit 3', { env });
    assert.deepEqual(await running.exited, { code: 3, signal: null });
    await printed(new RegExp(`hello from ${running.pid}`));
  });

  it("says why a command cannot be run", async () => {
    await assert.rejects(leash({ command: "no-such-program", log }), /cannot run no-such-program: .*ENOENT/);
  });

  it("stops the whole group with SIGTERM and lets it finish its work", async () => {
    const running = await shell('trap "echo drained; exit 0" TERM; echo trapped; sleep 60 & wait');
    await printed(/trapped/);
    assert.deepEqual(await running.stop(), { code: 0, signal: null });
    await printed(/drained/);
    assert.equal(isGroupAlive(running.pid), false);
  });

  it("kills a group that ignores SIGTERM when the grace time is over", async () => {
    const running = await shell('trap "" TERM; echo deaf; while :; do sleep 0.05; done');
    await printed(/deaf/);
    assert.deepEqual(await running.stop(50), { code: null, signal: "SIGKILL" });
    assert.equal(isGroupAlive(running.pid), false);
  });

  it("stops what a command left running when the command itself has ended", async () => {
    const running = await shell("sleep 60 & exit 0");
    await running.exited;
    await until(() => !isGroupAlive(running.pid), { describe: "the group is empty" });
  });

  it("ends the command when its parent is killed with SIGKILL", async () => {
    const parent = spawn(
      process.execPath,
      [
        "--input-type=module",
        "--eval",
        `import { leash } from ${leashModule};
         const { pid } = await leash({ command: "sleep", args: ["60"], log: ${JSON.stringify(log)} });
         console.log(pid);
         setInterval(() => {}, 1000);`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const [line] = (await parent.stdout.take(1).toArray()) as Buffer[];
    const pid = Number(line);
    assert.equal(isGroupAlive(pid), true);
    parent.kill("SIGKILL");
    await until(() => !isGroupAlive(pid), { describe: "the orphaned command is gone" });
  });

  it("does not keep its parent alive, nor the pipe of its parent open", async () => {
    const parent = spawn(
      process.execPath,
      [
        "--input-type=module",
        "--eval",
        `import { leash } from ${leashModule};
         await leash({ command: "sleep", args: ["60"], log: ${JSON.stringify(log)} });`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    parent.stdout.resume();
    const code = await new Promise((resolve) => parent.on("close", resolve));
    assert.equal(code, 0);
  });
});

/** Whether a process of the group still runs; one that only waits to be reaped does not. */
function isGroupAlive(pid: number): boolean {
  const lines = execFileSync("ps", ["-eo", "pgid=,stat="], { encoding: "utf8" }).split("\n");
  return lines
    .map((line) => line.trim().split(/\s+/))
    .some(([group, state]) => Number(group) === pid && !state?.startsWith("Z"));
}
