import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";

/**
 * Ends the process that a killed run left behind on the same data, and waits until it is gone; two servers on one
 * folder would ruin it. A process that only happens to have the recorded number is left alone.
 *
 * @param pidFile holds the process's number; may be missing
 * @param mark text of its command line that no other program has, such as the path of its data
 */
export async function endStale(pidFile: string, mark: string): Promise<void> {
  const pid = Number(await readFile(pidFile, "utf8").catch(() => ""));
  const isStale = async () => (await commandLine(pid)).includes(mark);
  if (!pid || !(await isStale())) return;
  process.kill(pid, "SIGTERM");
  const deadline = Date.now() + 20_000;
  while (await isStale()) {
    if (Date.now() > deadline) process.kill(pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The command line of a process, empty when there is none. */
async function commandLine(pid: number): Promise<string> {
  if (process.platform === "linux")
    return (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ");
  return new Promise((resolve) => {
    const child = spawn("ps", ["-o", "command=", "-p", String(pid)], { stdio: ["ignore", "pipe", "ignore"] });
    let line = "";
    child.stdout.on("data", (chunk) => {
      line += chunk;
    });
    child.on("error", () => resolve(""));
    child.on("close", () => resolve(line));
  });
}
