import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A new empty folder, removed after the current suite. Call it inside `describe`, or in a `before` hook. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "chirp-test-"));
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}
