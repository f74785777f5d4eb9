import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Aws, startAws } from "../../climb/aws.ts";
import { localConfig } from "../../climb/config.ts";
import type { Change } from "../../climb/engine/events.ts";
import { label } from "../../climb/engine/events.ts";
import { type Outcome, Pulumi } from "../../climb/engine/pulumi.ts";
import { Stack } from "../../climb/engine/stack.ts";
import { freePort } from "../../local/process/ports.ts";
import { ensurePulumi } from "../../tools/pulumi.ts";

/** The real program on a local AWS of its own, moved by the real engine. */
export interface LocalStack {
  readonly aws: Aws;
  readonly stack: Stack;
  /** What was said about mending an interrupted update. */
  readonly said: readonly string[];
  /** `pulumi config set phase N`, then `pulumi preview`. */
  preview(phase: number): Promise<Outcome>;
  /** `pulumi config set phase N`, then `pulumi up`. */
  up(phase: number): Promise<Outcome>;
  stop(): Promise<void>;
}

const project = resolve(import.meta.dirname, "../..");

/** Brings up a local AWS in the folder, or brings back what the folder holds. */
export async function startLocalStack(
  folder: string,
  config: Readonly<Record<string, string>> = {},
): Promise<LocalStack> {
  const programs = await ensurePulumi({ report: () => {} });
  const engine = join(folder, "engine");
  mkdirSync(engine, { recursive: true });
  const aws = await startAws({ dir: join(folder, "aws"), port: await freePort(), log: join(folder, "aws.log") });
  const said: string[] = [];
  const pulumi = new Pulumi({ programs, project, folder: engine });
  const report = (line: string) => void said.push(line);
  const stack = await Stack.open({ pulumi, project, configFolder: join(folder, "config"), folder: engine, report });
  await stack.configure({ ...localConfig, ...config });
  return {
    aws,
    stack,
    said,
    preview: async (phase) => {
      await stack.configure({ "chirp:phase": phase });
      return (await stack.preview(aws.providers)).finished;
    },
    up: async (phase) => {
      await stack.configure({ "chirp:phase": phase });
      return (await stack.up(aws.providers)).finished;
    },
    stop: () => aws.stop(),
  };
}

/** Changes in words, sorted, for comparing: "create LoadBalancer chirp-balancer". */
export function inWords(changes: readonly Change[], op?: Change["op"]): string[] {
  return changes
    .filter((change) => !op || change.op === op)
    .map(({ op, urn }) => `${op} ${label(urn)}`)
    .toSorted();
}
