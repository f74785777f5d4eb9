import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { type BuildOptions, build, type Metafile } from "esbuild";

/** One self-contained ES module for Node, and the name under which it is stored. */
export interface Bundle {
  /** JavaScript source text. */
  readonly code: string;
  /** Lower-case hex SHA-256 of `code` in UTF-8: the same sources give the same hash on any machine. */
  readonly sha256: string;
  /** Absolute paths of every file that went into it. */
  readonly inputs: readonly string[];
}

/** A static file of the page, kept inside the server's bundle so that one object is the whole release. */
export interface PageFile {
  readonly type: string;
  readonly body: string;
}

/** The page's files by URL path. */
export type PageFiles = Record<string, PageFile>;

/** The page with the files that it was made from. */
interface Page {
  readonly files: PageFiles;
  readonly inputs: readonly string[];
}

const appFolder = import.meta.dirname;

const contentTypes: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** What every bundle shares. Identifiers stay readable: a stack trace in a log is worth more than a few kilobytes. */
const common: BuildOptions = {
  absWorkingDir: appFolder,
  bundle: true,
  metafile: true,
  write: false,
  format: "esm",
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  logLevel: "silent",
};

/** Where the sources of pages are: people's, and the migration's worker's. */
const pages = { people: "web", worker: "migration/page" };

/** Bundles the server (`app/main.ts`) with the pages of each of its roles. */
export async function buildServer(): Promise<Bundle> {
  const [people, worker] = await Promise.all([bundlePage(pages.people), bundlePage(pages.worker)]);
  const bundle = await bundleForNode("main.ts", {
    CHIRP_PAGE: JSON.stringify(people.files),
    CHIRP_MIGRATION_PAGE: JSON.stringify(worker.files),
  });
  return { ...bundle, inputs: [...people.inputs, ...worker.inputs, ...bundle.inputs] };
}

/** Bundles the agent that fetches, checks and runs the server on an instance (`app/agent/main.ts`). */
export function buildAgent(): Promise<Bundle> {
  return bundleForNode("agent/main.ts");
}

/** Bundles one Lambda handler, `app/functions/<name>.ts`. */
export function buildFunction(name: string): Promise<Bundle> {
  return bundleForNode(`functions/${name}.ts`);
}

/**
 * Bundles a page: its `main.tsx` becomes `/main.js`, its `style.css` and what that imports `/style.css`.
 *
 * @param role whose page
 */
export async function buildPage(role: keyof typeof pages): Promise<PageFiles> {
  return (await bundlePage(pages[role])).files;
}

async function bundlePage(folder: string): Promise<Page> {
  const files: PageFiles = {};
  const inputs: string[] = [];
  for (const [entry, served] of [
    ["main.tsx", "/main.js"],
    ["style.css", "/style.css"],
  ] as const) {
    const result = await build({
      ...common,
      entryPoints: [`${folder}/${entry}`],
      platform: "browser",
      // Style sheets are only joined: rewritten for older browsers, they would no longer follow the reader's colours.
      target: extname(entry) === ".css" ? "esnext" : "es2022",
      jsx: "automatic",
      jsxImportSource: "preact",
      minifyIdentifiers: true,
    });
    files[served] = { type: contentTypes[extname(served)] as string, body: outputText(result) };
    inputs.push(...inputsOf(result));
  }
  for (const path of [join(appFolder, folder, "index.html"), join(appFolder, "web/icon.svg")]) {
    const name = basename(path);
    files[`/${name}`] = { type: contentTypes[extname(name)] as string, body: await readFile(path, "utf8") };
    inputs.push(path);
  }
  return { files, inputs };
}

async function bundleForNode(entry: string, define: Record<string, string> = {}): Promise<Bundle> {
  const result = await build({
    ...common,
    entryPoints: [entry],
    platform: "node",
    target: "node22",
    define,
    // CommonJS packages inside an ES module still call require() for Node's own modules.
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
  });
  const code = outputText(result);
  return { code, sha256: createHash("sha256").update(code).digest("hex"), inputs: inputsOf(result) };
}

function inputsOf(result: { metafile?: Metafile }): string[] {
  // Names in brackets are esbuild's own stand-ins, for what a package leaves out of browsers.
  const names = Object.keys(result.metafile?.inputs ?? {}).filter((name) => !name.startsWith("("));
  return names.map((name) => join(appFolder, name));
}

function outputText(result: { outputFiles?: { text: string }[] }): string {
  const text = result.outputFiles?.[0]?.text;
  if (text === undefined) throw new Error("esbuild returned no output file; is the entry point there?");
  return text;
}
