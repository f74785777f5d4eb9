import { join } from "node:path";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { buildAgent, buildFunction, buildServer } from "./app/bundle.ts";
import type { Artifact } from "./components/delivery/artifact.ts";
import { bundleOnce } from "./components/delivery/bundle-once.ts";
import { readRecords } from "./components/record.ts";
import { type Config, readConfig } from "./config.ts";
import { type Plan, plan } from "./phases/index.ts";
import type { Recorded } from "./phases/recorded.ts";

/** All that is known before the first resource registers. */
export interface Prepared {
  readonly config: Config;
  readonly plan: Plan;
  readonly artifacts: Readonly<Record<"server" | "agent" | "gate", Artifact>>;
  /** Functions of a stack in which DynamoDB follows. */
  readonly following: Readonly<Record<"begin" | "fanout", Artifact>> | undefined;
}

/**
 * Reads the configuration and where the stack stands, decides what it shall have, and bundles the code.
 * @throws RunError, which the engine prints without a stack trace, when the configuration or the move is wrong
 */
export async function prepare(stack: string): Promise<Prepared> {
  // The SDK makes a stack trace for each output of each resource, and source-map-support, which it installs, reads ten
  // positions in each: half a second. Node strips types in place, so positions are right without it.
  Reflect.deleteProperty(Error, "prepareStackTrace");
  try {
    const config = readConfig(pulumi.runtime.allConfig());
    const deciding = decide(config, stack);
    // Bundling takes longer than deciding; what a stack doesn't have isn't bundled.
    const bundlingMore = deciding.then(({ migration }) => (migration ? bundleFollowing() : undefined));
    const [decided, artifacts, following] = await Promise.all([deciding, bundle(), bundlingMore]);
    return { config, plan: decided, artifacts, following };
  } catch (error) {
    throw new pulumi.RunError(error instanceof Error ? error.message : String(error));
  }
}

async function decide(config: Config, stack: string): Promise<Plan> {
  const { recorded, begun } = await readRecords(stack);
  const { phase, edge, architecture } = config;
  const [zones, ami] = await Promise.all([chooseZones(config, recorded), chooseImage(config, recorded)]);
  const now = new Date().toISOString().replace(/\D/g, "").slice(0, 14);
  const { migration, warmThroughput, databaseStorage: storage } = config;
  return plan({ phase, edge, zones, ami, architecture, storage, migration, warmThroughput, now }, recorded, begun);
}

/** The region's list of zones can grow and change its order; a stack keeps the ones it started with. */
async function chooseZones(config: Config, recorded: Recorded | undefined): Promise<readonly string[]> {
  const chosen = config.zones ?? recorded?.zones;
  if (chosen !== undefined) return chosen;
  const ordinary = { name: "opt-in-status", values: ["opt-in-not-required"] };
  const available = await aws.getAvailabilityZones({ state: "available", filters: [ordinary] });
  return available.names.slice(0, 2);
}

/** The newest image is looked up once and kept, or servers would be replaced whenever Amazon publishes one. */
async function chooseImage(config: Config, recorded: Recorded | undefined): Promise<string> {
  const kept = recorded?.architecture === config.architecture ? recorded.ami : undefined;
  const chosen = config.ami ?? kept;
  if (chosen !== undefined) return chosen;
  const name = `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${config.architecture}`;
  return (await aws.ssm.getParameter({ name })).value;
}

const folder = join(import.meta.dirname, "node_modules", ".cache", "chirp", "bundles");

async function bundle(): Promise<Prepared["artifacts"]> {
  const [server, agent, gate] = await Promise.all([
    bundleOnce("server", buildServer, folder),
    bundleOnce("agent", buildAgent, folder),
    bundleFunction("gate"),
  ]);
  return { server, agent, gate };
}

async function bundleFollowing(): Promise<Prepared["following"]> {
  const [begin, fanout] = await Promise.all([bundleFunction("begin"), bundleFunction("fanout")]);
  return { begin, fanout };
}

function bundleFunction(name: string): Promise<Artifact> {
  return bundleOnce(name, () => buildFunction(name), folder);
}
