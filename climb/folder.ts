import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { claim } from "../tools/claim.ts";

/** The folder in which the local stack lives, claimed for this process. */
export interface Folder {
  readonly path: string;
  /** The engine's state, logs and home. */
  readonly engine: string;
  /** The stack's config file. */
  readonly config: string;
  /** The local AWS: data of database and bucket, instances, logs. */
  readonly aws: string;
  /** The traffic's acknowledged writes. */
  readonly ledger: string;
  /** Which history the database has. */
  readonly history: string;
  readonly logs: string;
  /** Whether there was no stack in it before. */
  readonly isNew: boolean;
  release(): Promise<void>;
}

/** Tells our folder from any other, so that `--fresh` can never remove somebody's files. */
const marker = "this-is-a-chirp-stack";
const claimFile = "runner";

/**
 * Makes or opens the folder.
 *
 * @throws when it is somebody else's folder, or another runner has it, naming that process.
 */
export async function openFolder(dir: string, { fresh }: { readonly fresh: boolean }): Promise<Folder> {
  const path = resolve(dir);
  const isNew = await makeOurs(path);
  const claimed = await claim(join(path, claimFile));
  if (!claimed.held) {
    throw new Error(
      `Process ${claimed.pid} is already running the stack in ${path}. Stop it first (Ctrl-C in its terminal, or ` +
        `\`kill ${claimed.pid}\`), or use another folder with --dir and another port with --port.`,
    );
  }
  if (fresh) await empty(path);
  const folder = {
    path,
    engine: join(path, "engine"),
    config: join(path, "config"),
    aws: join(path, "aws"),
    ledger: join(path, "ledger"),
    history: join(path, "history"),
    logs: join(path, "logs"),
    isNew,
    release: claimed.release,
  };
  for (const part of [folder.engine, folder.config, folder.aws, folder.logs]) await mkdir(part, { recursive: true });
  return folder;
}

/** @returns whether it was made just now. */
async function makeOurs(path: string): Promise<boolean> {
  const kind = await stat(path).catch(() => undefined);
  if (kind && !kind.isDirectory()) throw new Error(`${path} is not a folder. Choose another with --dir.`);
  await mkdir(path, { recursive: true });
  const names = await readdir(path);
  if (names.includes(marker)) return false;
  if (names.length > 0) {
    throw new Error(
      `${path} has files in it and is not the folder of a local stack (there is no file ${marker}). ` +
        "Choose another with --dir; this one is left alone.",
    );
  }
  await writeFile(
    join(path, marker),
    "Made by `npm start`. `npm start -- --fresh` removes everything in this folder.\n",
  );
  return true;
}

/** Empties all but the marker and the claim, which is ours by now. */
async function empty(path: string): Promise<void> {
  for (const name of await readdir(path)) {
    if (name === marker || name.startsWith(claimFile)) continue;
    // Parts of a run that was killed may still be ending in there.
    await rm(join(path, name), { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  }
}
