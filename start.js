// Pulumi starts here; the program is index.ts. All that it imports is compiled once and read from a cache by later
// starts: Pulumi's SDK alone brings the TypeScript compiler and half of npm along. The cache covers only what is loaded
// after it is switched on, hence a file of its own. It is JavaScript because one file of types would load Node's
// stripper, 0.1 s; the others come out of the cache stripped.
import { enableCompileCache } from "node:module";
import { join } from "node:path";

// Where the folder can't be written, nothing is cached and everything works.
enableCompileCache(join(import.meta.dirname, "node_modules", ".cache", "chirp", "compiled"));

/** The stack's outputs are what index.ts exports. */
export default async () => (await import("./index.ts")).default;
