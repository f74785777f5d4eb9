import { linkSync, mkdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execFileSync } from "node:child_process";

/** Keeps a folder to one process at a time. */
export interface Lock {
  release(): void;
}

/**
 * Takes the folder, also from a process that was killed and so never gave it back.
 *
 * @throws when a running process has it, naming that process.
 */
export function lockFolder(dir: string): Lock {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const path = join(dir, "lock");
  const own = `${path}.${process.pid}`;
  // Linked rather than written: the lock appears with its content, and only if there is none.
  writeFileSync(own, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }));
  try {
    for (;;) {
      try {
        linkSync(own, path);
        return { release: () => rmSync(path, { force: true }) };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
      const holder = readHolder(path);
      if (holder && startOf(holder.pid) === holder.started)
        throw new Error(
          `${dir} is in use by process ${holder.pid}. Only one local AWS can run on a folder: stop that one ` +
            `(kill ${holder.pid}), or use another folder with --dir`,
        );
      rmSync(path, { force: true });
    }
  } finally {
    unlinkSync(own);
  }
}

function readHolder(path: string): { pid: number; started: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as { pid: number; started: string };
  } catch {
    return undefined; // just released
  }
}

/** When a process started, empty if there is none: its id alone may have gone to another process since. */
function startOf(pid: number): string {
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch {
    return "";
  }
}
