import { randomUUID } from "node:crypto";
import { access, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bundle } from "../../app/bundle.ts";

/** A bundle kept in a file, so that the engine's state holds its hash instead of its text. */
export interface Artifact {
  /** Absolute path of the file. */
  readonly path: string;
  /** Lower-case hex SHA-256 of the file. */
  readonly sha256: string;
}

/** Keeps a bundle under its hash. Several programs may do so at once: the name appears only when the file is whole. */
export async function keepArtifact(bundle: Pick<Bundle, "code" | "sha256">, folder: string): Promise<Artifact> {
  const path = join(folder, `${bundle.sha256}.mjs`);
  if (!(await exists(path))) {
    await mkdir(folder, { recursive: true });
    const unfinished = `${path}.${randomUUID()}`;
    await writeFile(unfinished, bundle.code);
    await rename(unfinished, path);
  }
  return { path, sha256: bundle.sha256 };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
