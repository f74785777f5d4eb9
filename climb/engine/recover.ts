import { readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { isAlive } from "../../tools/claim.ts";
import { lastLines, run } from "../../tools/run.ts";
import { type StackOptions, stackName } from "./stack.ts";

interface Lock {
  readonly pid: number;
  readonly hostname: string;
}

/** How long an engine whose runner was killed may take to end by itself. */
const patience = 20_000;

/**
 * Removes the locks of engines that no longer run.
 *
 * @throws when an engine that runs has one, naming its process: two updates at once would ruin the state.
 */
export async function endStaleLocks({ pulumi, folder, report }: StackOptions): Promise<void> {
  const deadline = performance.now() + patience;
  let told = false;
  for (;;) {
    const locks = await readLocks(folder);
    if (locks.length === 0) return;
    const living = await firstLiving(locks);
    if (!living) break;
    if (performance.now() > deadline) {
      const where = living.hostname === hostname() ? "" : ` on ${living.hostname}`;
      throw new Error(
        `An update of this stack is still running: process ${living.pid}${where}. Wait for it to end, or stop it.`,
      );
    }
    if (!told) report(`Waiting for process ${living.pid}, which has the lock of the last update`);
    told = true;
    await wait(200);
  }
  report("The last update was killed; removing its lock");
  const { code, stderr } = await pulumi.run(["cancel", "--yes", "--stack", stackName]);
  if (code !== 0) throw new Error(`\`pulumi cancel\` failed:\n${lastLines(stderr)}`);
}

async function firstLiving(locks: readonly Lock[]): Promise<Lock | undefined> {
  for (const lock of locks) if (lock.hostname !== hostname() || (await isEngine(lock.pid))) return lock;
  return undefined;
}

/** Whether the process runs and is an engine: a dead one's number may be somebody else's by now. */
async function isEngine(pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform === "linux") {
    return (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).includes("pulumi");
  }
  return (await run("ps", ["-o", "command=", "-p", String(pid)])).stdout.includes("pulumi");
}

async function readLocks(folder: string): Promise<Lock[]> {
  const root = join(folder, ".pulumi", "locks");
  const names = await readdir(root, { recursive: true }).catch(() => []);
  const files = names.filter((name) => name.endsWith(".json"));
  const texts = await Promise.all(files.map((name) => readFile(join(root, name), "utf8").catch(() => "")));
  return texts.filter(Boolean).map((text) => JSON.parse(text));
}
