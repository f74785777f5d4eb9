import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { generatedDocs } from "../../tools/docs/main.ts";

describe("documents made from phases/", () => {
  it("are up to date (npm run docs)", async () => {
    for (const [path, text] of Object.entries(await generatedDocs()))
      assert.equal(await readFile(join(import.meta.dirname, "../..", path), "utf8"), text, path);
  });
});
