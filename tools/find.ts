import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** The first program of these names on the PATH or in the further folders, or undefined. */
export async function findProgram(
  names: readonly string[],
  options: { readonly path?: string | undefined; readonly folders?: readonly string[] } = {},
): Promise<string | undefined> {
  const { path = process.env.PATH ?? "", folders = [] } = options;
  for (const folder of [...path.split(delimiter).filter(Boolean), ...folders]) {
    for (const name of names) {
      if (await isProgram(join(folder, name))) return join(folder, name);
    }
  }
  return undefined;
}

/** Whether the file is there and may be run. */
export function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
