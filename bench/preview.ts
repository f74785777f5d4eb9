// `node bench/preview.ts`: what a preview of the last phase costs, held against a program of one bucket in Pulumi's
// default set-up for TypeScript (compiled and type-checked at every start). Both run over the same local provider,
// turn by turn in one go, so that whatever else the machine does slows both.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startAws } from "../climb/aws.ts";
import { localConfig } from "../climb/config.ts";
import { Pulumi } from "../climb/engine/pulumi.ts";
import { Stack } from "../climb/engine/stack.ts";
import { freePort } from "../local/process/ports.ts";
import { phases } from "../phases/index.ts";
import { ensurePulumi } from "../tools/pulumi.ts";

/** The most that our preview may take, as a multiple of the other's. */
const limit = 1.5;
const rounds = 5;

const root = resolve(import.meta.dirname, "..");
const work = mkdtempSync(join(tmpdir(), "chirp-bench-"));
const report = (line: string) => console.error(line);

const oneBucket: Record<string, string> = {
  "Pulumi.yaml": "name: one-bucket\nruntime: nodejs\n",
  "package.json": JSON.stringify({ name: "one-bucket", main: "index.ts" }),
  // As `pulumi new aws-typescript` writes it.
  "tsconfig.json": JSON.stringify({
    compilerOptions: {
      strict: true,
      outDir: "bin",
      target: "es2020",
      module: "nodenext",
      moduleResolution: "nodenext",
      sourceMap: true,
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

async function main(): Promise<number> {
  const last = phases.at(-1)?.number ?? 1;
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
    report(`bringing a stack to phase ${last - 1}, to preview the update to phase ${last}`);
    await chirp.configure({ ...localConfig, "chirp:phase": last - 1 });
    await seconds(chirp, aws.providers, "up");
    await chirp.configure({ "chirp:phase": last });

    const times = { chirp: [] as number[], bucket: [] as number[] };
    for (let round = 0; round <= rounds; round++) {
      const ours = await seconds(chirp, aws.providers, "preview");
      const theirs = await seconds(bucket, aws.providers, "preview");
      // The first round fills caches, on both sides.
      if (round === 0) continue;
      times.chirp.push(ours);
      times.bucket.push(theirs);
      report(`round ${round}: phase ${last} ${ours.toFixed(2)} s, one bucket ${theirs.toFixed(2)} s`);
    }
    const [ours, theirs] = [median(times.chirp), median(times.bucket)];
    const ratio = ours / theirs;
    console.log(`phase ${last}: ${ours.toFixed(2)} s; one bucket: ${theirs.toFixed(2)} s (medians of ${rounds})`);
    console.log(`ratio: ${ratio.toFixed(2)} (at most ${limit})`);
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
