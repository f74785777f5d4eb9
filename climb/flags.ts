import { parseArgs } from "node:util";
import type { Strategy } from "../phases/features.ts";

const strategies: readonly Strategy[] = ["snapshot", "dual-write", "bulk"];

/** What a person asked for on the command line. */
export interface Flags {
  /** Phase to climb to, or down to; undefined for the highest there is. */
  readonly phase: number | undefined;
  /** Remove the local stack and everything in it first. */
  readonly fresh: boolean;
  readonly traffic: boolean;
  /** Print one JSON document at the end, and exit. */
  readonly json: boolean;
  /** Exit when the climb is over. */
  readonly exit: boolean;
  /** TCP port of the page on the loopback address. */
  readonly port: number;
  /** Requests per second. */
  readonly rate: number;
  /** Folder of the local stack. */
  readonly dir: string;
  /** Kind of load balancer; undefined to keep what the stack has. */
  readonly edge: "alb" | "nlb" | undefined;
  /** How rows are moved to DynamoDB; undefined to keep what the stack has. */
  readonly migration: Strategy | undefined;
  /** What people did before: 1 for 2,000 users and what they wrote, 10 for ten times that, 0 for nothing. */
  readonly history: number;
  readonly help: boolean;
}

/** A command line that can't be followed; the message lists everything wrong with it. */
export class UsageError extends Error {}

const options = {
  phase: { type: "string" },
  fresh: { type: "boolean" },
  "no-traffic": { type: "boolean" },
  json: { type: "boolean" },
  exit: { type: "boolean" },
  port: { type: "string" },
  rate: { type: "string" },
  dir: { type: "string" },
  edge: { type: "string" },
  migration: { type: "string" },
  history: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/**
 * Reads the command line.
 *
 * @param highest the highest phase that can be climbed to.
 * @throws UsageError with every problem at once.
 */
export function parseFlags(args: readonly string[], highest: number): Flags {
  const { values, tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const problems: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") problems.push(`${JSON.stringify(token.value)} is not a flag`);
    if (token.kind !== "option") continue;
    const known = Object.hasOwn(options, token.name) ? options[token.name as keyof typeof options] : undefined;
    if (!known) problems.push(`${token.rawName} is not known`);
    else if (known.type === "boolean" && token.value !== undefined) problems.push(`${token.rawName} takes no value`);
    else if (known.type === "string" && !token.value) problems.push(`${token.rawName} needs a value`);
  }

  const text = (name: keyof typeof values) =>
    typeof values[name] === "string" ? values[name] || undefined : undefined;
  const whole = (name: "phase" | "port" | "rate" | "history", least: number, most: number): number | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (number >= least && number <= most) return number;
    problems.push(`--${name} is ${JSON.stringify(value)}; give a whole number from ${least} to ${most}`);
    return undefined;
  };

  const phase = whole("phase", 1, highest);
  const port = whole("port", 1, 65535) ?? 8080;
  const rate = whole("rate", 1, 2000) ?? 200;
  const edge = text("edge");
  if (edge !== undefined && edge !== "alb" && edge !== "nlb") {
    problems.push(`--edge is ${JSON.stringify(edge)}; give alb or nlb`);
  }
  const history = whole("history", 0, 50) ?? 1;
  const migration = strategies.find((strategy) => strategy === text("migration"));
  if (text("migration") !== undefined && !migration) {
    problems.push(
      `--migration is ${JSON.stringify(text("migration"))}; give ${strategies.join(", ").replace(/, (\S+)$/, " or $1")}`,
    );
  }
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return {
    phase,
    fresh: values.fresh === true,
    traffic: values["no-traffic"] !== true,
    json: values.json === true,
    exit: values.exit === true,
    port,
    rate,
    dir: text("dir") ?? ".chirp",
    edge: edge as Flags["edge"],
    migration,
    history,
    help: values.help === true,
  };
}

/** @param highest the highest phase that can be climbed to. */
export function helpText(highest: number): string {
  return `npm start -- [flags]

Brings Chirp's stack up on this machine and upgrades it in place, phase by phase, with Pulumi's own engine, while
people use it. It goes on from where the last start ended.

  --phase N       go to phase N (1 to ${highest}), up or down; without it, to ${highest}
  --fresh         start over: remove the local stack and its data first
  --no-traffic    nobody uses the service meanwhile
  --rate N        requests per second (200)
  --edge KIND     alb or nlb: the kind of load balancer, chosen once, before phase 2 (alb)
  --migration WAY snapshot, dual-write or bulk: how rows get to DynamoDB, chosen before phase 5 (snapshot)
  --history N     N times 2,000 users with 20,000 posts and 40,000 follows and likes, from the start (1)
  --port N        port of the page, on this machine only (8080)
  --dir FOLDER    where the local stack lives (.chirp)
  --exit          exit when the climb is over, instead of staying up
  --json          print the result as one JSON document, and exit
  --help          print this

Exit code: 0 when every request was answered, every acknowledged write is in the database, nothing that holds data was
replaced or deleted and, where DynamoDB follows, it was found equal; 1 when not; 2 when the flags are wrong.
`;
}
