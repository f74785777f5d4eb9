import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What differs between the bootstraps of two machines. */
export interface BootstrapValues {
  /** Name of the release parameter; with `:version` behind it the server stays on that version. */
  readonly release: string;
  /** AWS region of the parameter. */
  readonly region: string;
}

/** The bootstrap of a server: constant but for two lines. */
export function renderBootstrap({ release, region }: BootstrapValues): string {
  const text = readFileSync(join(import.meta.dirname, "bootstrap.sh"), "utf8");
  return text.replace(/^RELEASE=$/m, `RELEASE=${release}`).replace(/^REGION=$/m, `REGION=${region}`);
}
