import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { buildPulumi } from "./build.ts";
import { cachePath, fillOnce } from "./cache.ts";
import { findProgram, isProgram } from "./find.ts";
import { lastLines, run } from "./run.ts";

/** The version that is installed or built; tools/pulumi/go.mod names the same. */
export const pulumiVersion = "3.255.0";

/** The oldest CLI on the PATH that is used: older ones don't print engine events as `up --json` does today. */
export const oldestPulumi = "3.248.0";

/** The CLI alone can't run the program: the engine starts it through the Node.js language host. */
export const pulumiPrograms = ["pulumi", "pulumi-language-nodejs"] as const;

export interface PulumiOptions {
  readonly report: (line: string) => void;
  /** Where to look, and where everything else is kept. @default the process's own */
  readonly env?: NodeJS.ProcessEnv;
  /** Ends a set-up that is under way. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes sure that Pulumi's CLI and its Node.js language host are there: from the PATH, from our cache, by Pulumi's
 * own installer, or else built with Go from the sources that tools/ pins.
 *
 * @returns the folder that holds both.
 * @throws with what was tried and what a person can do.
 */
export async function ensurePulumi({ report, env = process.env, signal }: PulumiOptions): Promise<string> {
  const onPath = await findOnPath(env, report);
  if (onPath) return onPath;

  const folder = cacheFolder(env);
  await fillOnce(folder, {
    title: "the Pulumi CLI",
    report,
    isWhole: holdsPulumi,
    make: async (work) =>
      (await install(work, { report, env, signal })) ??
      (await buildPulumi(work, { report, env, version: pulumiVersion, signal })),
  });
  return folder;
}

/** Where the CLI is kept for every checkout of this user. */
export function cacheFolder(env?: NodeJS.ProcessEnv): string {
  return cachePath(`pulumi-${pulumiVersion}`, env);
}

/** Whether `found` ("v3.251.0", "3.256.0-dev+1") is at least `wanted`. */
export function isAtLeast(found: string, wanted: string): boolean {
  const [a, b] = [found, wanted].map((text) => /^v?(\d+)\.(\d+)\.(\d+)/.exec(text)?.slice(1).map(Number));
  if (!a || !b) return false;
  const at = a.findIndex((part, i) => part !== b[i]);
  return at < 0 || (a[at] as number) > (b[at] as number);
}

async function findOnPath(env: NodeJS.ProcessEnv, report: PulumiOptions["report"]): Promise<string | undefined> {
  const found = await findProgram(["pulumi"], { path: env.PATH });
  if (!found) return undefined;
  const refuse = (reason: string) => report(`Not using ${found}: ${reason}`);
  const version = await versionOf(found, env);
  if (!version) return void refuse("`pulumi version` fails");
  if (!isAtLeast(version, oldestPulumi)) return void refuse(`it is ${version}, and ${oldestPulumi} or newer is needed`);
  const host = await findProgram(["pulumi-language-nodejs"], { path: env.PATH, folders: [dirname(found)] });
  if (!host) return void refuse("pulumi-language-nodejs is not with it");
  return dirname(found);
}

async function versionOf(pulumi: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    const { code, stdout } = await run(pulumi, ["version"], { env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" } });
    return code === 0 ? stdout.trim() : undefined;
  } catch {
    return undefined;
  }
}

async function holdsPulumi(folder: string): Promise<boolean> {
  const found = await Promise.all(pulumiPrograms.map((name) => isProgram(join(folder, name))));
  return found.every(Boolean);
}

/** Pulumi's own installer, where its site can be reached; undefined where it can't, or fails. */
async function install(
  work: string,
  { report, env, signal }: PulumiOptions & { readonly env: NodeJS.ProcessEnv },
): Promise<string | undefined> {
  const script = await fetchInstaller();
  if (!script) {
    report("get.pulumi.com can't be reached, so Pulumi's own installer is not used");
    return undefined;
  }
  report(`Installing the Pulumi CLI ${pulumiVersion} from get.pulumi.com`);
  const file = join(work, "install.sh");
  const root = join(work, "installed");
  await writeFile(file, script);
  const { code, stdout, stderr } = await run(
    "/bin/sh",
    [file, "--no-edit-path", "--install-root", root, "--version", pulumiVersion],
    { env, signal },
  );
  const folder = join(root, "bin");
  if (code === 0 && (await holdsPulumi(folder))) return folder;
  report(`Pulumi's installer failed: ${lastLines(stderr || stdout, 3)}`);
  return undefined;
}

async function fetchInstaller(): Promise<string | undefined> {
  try {
    const response = await fetch("https://get.pulumi.com/install.sh", { signal: AbortSignal.timeout(5000) });
    return response.ok ? await response.text() : undefined;
  } catch {
    return undefined;
  }
}
