import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { run } from "./run.ts";

/** A file that says which process has something to itself. */
export type Claim = { readonly held: true; release(): Promise<void> } | { readonly held: false; readonly pid: number };

interface Owner {
  readonly pid: number;
  /** When the process started, as its system tells it: a number that is reused belongs to somebody else. */
  readonly started: string;
}

/**
 * Claims a file for this process, or tells which living process has it. The claim of a dead process is taken over,
 * so nobody has to remove a file by hand after a crash.
 */
export async function claim(path: string): Promise<Claim> {
  const own: Owner = { pid: process.pid, started: await startOf(process.pid) };
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(own));
  try {
    for (;;) {
      // A link appears whole or not at all, so nobody ever reads half a claim.
      if (await succeeds(link(draft, path), "EEXIST")) {
        return { held: true, release: () => rm(path, { force: true }) };
      }
      const found = await read(path);
      if (!found) continue;
      if (await lives(found.owner)) return { held: false, pid: found.owner?.pid as number };
      await removeStale(path, found.text);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** Whether the process that wrote the claim still runs. */
async function lives(owner: Owner | undefined): Promise<boolean> {
  return owner !== undefined && isAlive(owner.pid) && (await startOf(owner.pid)) === owner.started;
}

/** Takes the dead process's claim away; one that a quicker process has put in its place is put back. */
async function removeStale(path: string, text: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  if (!(await succeeds(rename(path, aside), "ENOENT"))) return;
  if ((await readFile(aside, "utf8")) !== text) await succeeds(link(aside, path), "EEXIST");
  await rm(aside, { force: true });
}

async function read(path: string): Promise<{ text: string; owner: Owner | undefined } | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { pid, started } = JSON.parse(text);
    return { text, owner: Number.isInteger(pid) ? { pid, started: String(started) } : undefined };
  } catch {
    return { text, owner: undefined };
  }
}

/** Whether a process with this number runs, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process started, in whatever form the system gives it; "" where it gives none. */
async function startOf(pid: number): Promise<string> {
  try {
    if (process.platform === "linux") {
      // Field 22 of stat; the name before it may hold spaces and brackets.
      const stat = await readFile(`/proc/${pid}/stat`, "utf8");
      return stat.split(") ").at(-1)?.split(" ")[19] ?? "";
    }
    return (await run("ps", ["-o", "lstart=", "-p", String(pid)])).stdout.trim();
  } catch {
    return "";
  }
}

async function succeeds(action: Promise<void>, refusal: string): Promise<boolean> {
  try {
    await action;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === refusal) return false;
    throw error;
  }
}
