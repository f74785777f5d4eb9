import { chmod, copyFile, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { findProgram } from "./find.ts";
import { lastLines, run } from "./run.ts";

export interface BuildOptions {
  readonly report: (line: string) => void;
  readonly env: NodeJS.ProcessEnv;
  /** Stamped into the CLI: one without a version is refused by the SDK. */
  readonly version: string;
  /** Ends the build. */
  readonly signal?: AbortSignal | undefined;
}

/** Each program has a module of its own, because the two can't share one set of pinned dependencies. */
const modules = [
  { name: "pulumi-language-nodejs", module: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs" },
  { name: "pulumi", module: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi" },
];

/**
 * Builds the CLI and the language host with Go from the modules that tools/ pins.
 *
 * @returns the folder with both programs.
 * @throws when there is no Go, or a build fails.
 */
export async function buildPulumi(work: string, { report, env, version, signal }: BuildOptions): Promise<string> {
  const go = await findProgram(["go"], { path: env.PATH });
  if (!go) {
    throw new Error(
      "Pulumi's CLI is not here, can't be downloaded from get.pulumi.com, and can't be built, because Go is not " +
        "installed either. Install one of them: https://www.pulumi.com/docs/install/ or https://go.dev/dl/",
    );
  }
  const built = join(work, "built");
  await mkdir(built, { recursive: true });
  report("Building the Pulumi CLI with Go: about five minutes, once; later starts find it in the cache");
  const stop = tick(report);
  try {
    for (const { name, module } of modules) {
      const flags = `-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=${version}`;
      const { code, stderr } = await run(go, ["build", "-ldflags", flags, "-o", join(built, name), module], {
        cwd: join(import.meta.dirname, name),
        // Checksums of go.sum are checked; nothing there may change.
        env: { ...env, GOFLAGS: "-mod=readonly" },
        signal,
      });
      if (code !== 0) throw new Error(`Building ${name} with ${go} failed:\n${lastLines(stderr)}`);
    }
  } finally {
    stop();
  }
  await heedOptions(built);
  return built;
}

/**
 * Puts a script before the language host. The newest one that Go can fetch as a module is of 2023 and takes the options
 * of Pulumi.yaml as flags; today's CLI sends them in a message that it doesn't read, so it would load ts-node always.
 */
async function heedOptions(built: string): Promise<void> {
  const host = join(built, "pulumi-language-nodejs");
  await rename(host, join(built, "language-host"));
  await copyFile(join(import.meta.dirname, "pulumi-language-nodejs", "heed-options.sh"), host);
  await chmod(host, 0o755);
}

/** Says every half minute that the build goes on: a silent five minutes look like a hang. */
function tick(report: BuildOptions["report"]): () => void {
  const start = performance.now();
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - start) / 1000);
    report(`  still building (${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")})`);
  }, 30_000);
  return () => clearInterval(timer);
}
