import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { claim } from "./claim.ts";

/** Where what was downloaded or built is kept, for every checkout of this user. */
export function cachePath(name: string, env: NodeJS.ProcessEnv = process.env): string {
  const cache = env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache");
  return join(cache, "chirp", name);
}

export interface FillOptions {
  /** What is set up, for messages: "the Pulumi CLI". */
  readonly title: string;
  readonly report: (line: string) => void;
  /** Whether the folder has everything. */
  readonly isWhole: (folder: string) => Promise<boolean>;
  /** Makes the contents in `work` or a folder below it; returns which. */
  readonly make: (work: string) => Promise<string>;
}

/**
 * Fills a folder once, whoever comes first. Everything happens in a folder beside, with one rename at the end, so that
 * the cache is never half there.
 */
export async function fillOnce(folder: string, { title, report, isWhole, make }: FillOptions): Promise<void> {
  if (await isWhole(folder)) return;
  await mkdir(dirname(folder), { recursive: true });
  const release = await takeTurn(`${folder}.lock`, title, report);
  try {
    if (await isWhole(folder)) return;
    await removeUnfinished(folder);
    const work = await mkdtemp(join(dirname(folder), `${basename(folder)}.work-`));
    try {
      const made = await make(work);
      await rm(folder, { recursive: true, force: true });
      await rename(made, folder);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  } finally {
    await release();
  }
}

/** What a set-up that was killed left behind; whoever has the lock knows that nobody works in there. */
async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(dirname(folder))) {
    if (!name.startsWith(`${basename(folder)}.work-`)) continue;
    await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

/** Two set-ups at once would each spend minutes on the same work. */
async function takeTurn(lock: string, title: string, report: FillOptions["report"]): Promise<() => Promise<void>> {
  for (let told = 0; ;) {
    const turn = await claim(lock);
    if (turn.held) return turn.release;
    if (told !== turn.pid) report(`Process ${turn.pid} is setting up ${title}; waiting for it`);
    told = turn.pid;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
