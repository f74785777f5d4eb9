import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bundle } from "../../app/bundle.ts";
import { type Artifact, keepArtifact } from "./artifact.ts";

/** A note beside the bundles: what one was made from, and what it became. */
interface Made {
  readonly sha256: string;
  readonly inputs: readonly string[];
  /** Hash over the content of the inputs and of what decides how they are bundled. */
  readonly fingerprint: string;
}

const builder = ["app/bundle.ts", "package-lock.json"].map((path) => join(import.meta.dirname, "../..", path));

/**
 * Bundles, unless nothing that went into the bundle has changed since it was last made: it would be a quarter of a
 * preview's time. Changes are told by content, because npm gives the files of every version of a package one date.
 */
export async function bundleOnce(name: string, build: () => Promise<Bundle>, folder: string): Promise<Artifact> {
  const note = join(folder, `${name}.json`);
  const made = await readNote(note);
  if (made && fingerprint(made.inputs) === made.fingerprint) {
    const path = join(folder, `${made.sha256}.mjs`);
    if (hash([path]) === made.sha256) return { path, sha256: made.sha256 };
  }
  const bundle = await build();
  const { sha256, inputs } = bundle;
  const artifact = await keepArtifact(bundle, folder);
  const unfinished = `${note}.${randomUUID()}`;
  const next: Made = { sha256, inputs, fingerprint: fingerprint(inputs) };
  await writeFile(unfinished, JSON.stringify(next));
  await rename(unfinished, note);
  return artifact;
}

async function readNote(path: string): Promise<Made | undefined> {
  return readFile(path, "utf8").then(JSON.parse, () => undefined);
}

function fingerprint(inputs: readonly string[]): string {
  // The paths count too: packages may be shared by two checkouts, and this folder with them.
  return hash([...builder, ...inputs], [import.meta.dirname, ...inputs].join("\n"));
}

/**
 * A file that is not there counts as an empty one: it was there, so the hash is another. Read one by one and at once:
 * nothing else could be done meanwhile, and a thousand files take a third of the time.
 */
function hash(paths: readonly string[], first = ""): string {
  const sum = createHash("sha256").update(first);
  for (const path of paths) {
    try {
      sum.update(readFileSync(path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  return sum.digest("hex");
}
