// `node bench/preview.ts`: what a preview of phase 3 costs (and of the last phase, for information), held against a
// program of one bucket in Pulumi's default set-up for TypeScript. All run over the same local provider, turn by turn in
// one go, so that whatever else the machine does slows all.
//
// The default set-up is ts-node 7.0.1, which @pulumi/pulumi brings along, with the project's TypeScript. It really checks
// types: a wrong one fails the preview. But it keeps what it compiled in the system's temporary folder, and a program
// that has not changed since is neither compiled nor checked. So there are two times: with the program unchanged, which
// is what our limit is held against, and after a change of one line, as while somebody writes it. Ours stays unchanged:
// it is the configured phase that changes.
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startAws } from "../climb/aws.ts";
import { localConfig } from "../climb/config.ts";
import { Pulumi } from "../climb/engine/pulumi.ts";
import { Stack } from "../climb/engine/stack.ts";
import { freePort } from "../local/process/ports.ts";
import { phases } from "../phases/index.ts";
import { ensurePulumi } from "../tools/pulumi.ts";

/** The most that our preview of this phase may take, as a multiple of the unchanged bucket's. */
const limit = 1.5;
const judged = 3;
const rounds = 5;

const root = resolve(import.meta.dirname, "..");
const work = mkdtempSync(join(tmpdir(), "chirp-bench-"));
const report = (line: string) => console.error(line);

const oneBucket: Record<string, string> = {
  // As `pulumi new aws-typescript` writes them, with module settings that TypeScript 6 accepts.
  "Pulumi.yaml": "name: one-bucket\nruntime:\n  name: nodejs\n  options:\n    packagemanager: npm\n",
  "package.json": JSON.stringify({ name: "one-bucket", main: "index.ts" }),
  "tsconfig.json": JSON.stringify({
    compilerOptions: {
      strict: true,
      outDir: "bin",
      target: "es2020",
      module: "nodenext",
      moduleResolution: "nodenext",
      sourceMap: true,
      experimentalDecorators: true,
      pretty: true,
      noFallthroughCasesInSwitch: true,
      noImplicitReturns: true,
      forceConsistentCasingInFileNames: true,
    },
    files: ["index.ts"],
  }),
  "index.ts": [
    'import * as pulumi from "@pulumi/pulumi";',
    'import * as aws from "@pulumi/aws";',
    'import * as awsx from "@pulumi/awsx";',
    'const bucket = new aws.s3.Bucket("my-bucket");',
    "export const bucketName = bucket.id;",
  ].join("\n"),
};

async function open(name: string, project: string, programs: string): Promise<Stack> {
  const folder = join(work, name, "engine");
  mkdirSync(folder, { recursive: true });
  const pulumi = new Pulumi({ programs, project, folder });
  return Stack.open({ pulumi, project, configFolder: join(work, name, "config"), folder, report });
}

async function seconds(stack: Stack, providers: string, what: "preview" | "up"): Promise<number> {
  const outcome = await (await stack[what](providers)).finished;
  if (!outcome.ok) throw new Error(`\`pulumi ${what}\` failed:\n${outcome.reason}`);
  return outcome.seconds;
}

type Times = Record<"ours" | "unchanged" | "changed", number[]>;

async function measure(phase: number, providers: string, chirp: Stack, bucket: Stack, program: string): Promise<Times> {
  const times: Times = { ours: [], unchanged: [], changed: [] };
  for (let round = 0; round <= rounds; round++) {
    appendFileSync(program, `\n// phase ${phase}, round ${round}`);
    const changed = await seconds(bucket, providers, "preview");
    const ours = await seconds(chirp, providers, "preview");
    const unchanged = await seconds(bucket, providers, "preview");
    // The first round fills caches, on both sides.
    if (round === 0) continue;
    times.ours.push(ours);
    times.unchanged.push(unchanged);
    times.changed.push(changed);
    report(
      `round ${round}: phase ${phase} ${ours.toFixed(2)} s, ` +
        `one bucket ${unchanged.toFixed(2)} s, changed ${changed.toFixed(2)} s`,
    );
  }
  return times;
}

/** Prints what was measured and returns the ratio that the limit is for. */
function tell(phase: number, times: Times): number {
  const [ours, unchanged, changed] = [median(times.ours), median(times.unchanged), median(times.changed)];
  console.log(
    `phase ${phase}: ${ours.toFixed(2)} s (medians of ${rounds}); one bucket: ${unchanged.toFixed(2)} s, ` +
      `ratio ${(ours / unchanged).toFixed(2)}; one bucket, changed: ${changed.toFixed(2)} s, ` +
      `ratio ${(ours / changed).toFixed(2)}`,
  );
  return ours / unchanged;
}

async function main(): Promise<number> {
  const last = phases.at(-1)?.number ?? 3;
  const programs = await ensurePulumi({ report });
  const aws = await startAws({ dir: join(work, "aws"), port: await freePort(), log: join(work, "aws.log") });
  try {
    const project = join(work, "one-bucket-project");
    mkdirSync(project);
    for (const [name, text] of Object.entries(oneBucket)) writeFileSync(join(project, name), text);
    symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
    const bucket = await open("one-bucket", project, programs);
    await bucket.configure({ "aws:region": "us-east-1" });
    const chirp = await open("chirp", root, programs);
    await chirp.configure(localConfig);

    const ratios = new Map<number, number>();
    for (const phase of new Set([judged, last])) {
      report(`bringing a stack to phase ${phase - 1}, to preview the update to phase ${phase}`);
      await chirp.configure({ "chirp:phase": phase - 1 });
      await seconds(chirp, aws.providers, "up");
      await chirp.configure({ "chirp:phase": phase });
      ratios.set(phase, tell(phase, await measure(phase, aws.providers, chirp, bucket, join(project, "index.ts"))));
    }
    const ratio = ratios.get(judged) ?? Number.NaN;
    console.log(`at most ${limit} for phase ${judged}: ${ratio <= limit ? "held" : "missed"}`);
    return ratio <= limit ? 0 : 1;
  } finally {
    await aws.stop();
    rmSync(work, { recursive: true, force: true, maxRetries: 5 });
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

process.exitCode = await main();
