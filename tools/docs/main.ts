import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { phases } from "../../phases/index.ts";
import { drawPhases } from "./picture.ts";
import { fillIn, phaseTable } from "./table.ts";

const root = join(import.meta.dirname, "../..");

/** Every file that is made from phases/, by its path in the checkout, as it should be. */
export async function generatedDocs(): Promise<Record<string, string>> {
  const path = join(root, "README.md");
  const readme = fillIn(await readFile(path, "utf8"), "phases", phaseTable(phases));
  return {
    "README.md": await format(readme, { ...(await resolveConfig(path)), filepath: path }),
    "docs/phases.svg": drawPhases(phases),
  };
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(await generatedDocs())) await writeFile(join(root, path), text);
}
