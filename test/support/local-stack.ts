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
  /** The phase that the last update reports as reached. */
  phase(): number;
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
  let phase = 0;
  return {
    aws,
    stack,
    said,
    preview: async (to) => {
      await stack.configure({ "chirp:phase": to });
      return (await stack.preview(aws.providers)).finished;
    },
    up: async (to) => {
      await stack.configure({ "chirp:phase": to });
      const outcome = await (await stack.up(aws.providers)).finished;
      phase = Number(outcome.progress.outputs.phase);
      return outcome;
    },
    phase: () => phase,
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
