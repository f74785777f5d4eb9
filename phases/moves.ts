import type { DynamoDb, EdgeKind, Fleet, Strategy } from "./features.ts";
import type { BegunMigration, Recorded } from "./recorded.ts";

/** Where an update wants to take the stack. */
export interface Wanted {
  readonly phase: number;
  /** Load balancer wanted, `null` in a phase without one. */
  readonly edge: EdgeKind | null;
  readonly fleet: Fleet;
  readonly zones: readonly string[];
  readonly architecture: "arm64" | "x86_64";
  /** Database storage in GB. */
  readonly storage: number;
  readonly dynamodb: DynamoDb;
  /** How rows shall be moved to DynamoDB. */
  readonly strategy: Strategy;
  /** Units of write per second that the DynamoDB table shall be warmed for, where that is asked for. */
  readonly warmThroughput: number | undefined;
}

/** What the stack has and which phases this program knows. A stack without a record stands wherever it is wanted. */
export interface Standing extends Pick<Recorded, "phase" | "edge" | "zones" | "architecture" | "storage"> {
  /** Fleet of the recorded phase; undefined when there is no record, or this program doesn't know that phase. */
  readonly fleet: Fleet | undefined;
  /** The last migration that was begun. */
  readonly migration: BegunMigration | undefined;
  /** Units of write per second that the DynamoDB table was ever to be warmed for. */
  readonly warmed: number | undefined;
  /** Highest phase this program knows. */
  readonly known: number;
}

/** One kind of move that is refused. Whatever no rule refuses is legal, up or down, any number of phases. */
export interface MoveRule {
  readonly name: string;
  refuses(from: Standing, to: Wanted): boolean;
  reason(from: Standing, to: Wanted): string;
  fix(from: Standing, to: Wanted): string;
}

const list = (zones: readonly string[]) => zones.join(", ");

/** The one table of moves that are refused, each before anything changes. */
export const moveRules: readonly MoveRule[] = [
  {
    name: "a phase this program doesn't know",
    refuses: (from) => from.phase > from.known,
    reason: (from) => `the stack stands at phase ${from.phase}, and this program knows phases 1 to ${from.known}`,
    fix: () => "check out the version of the program that made it, or a newer one",
  },
  {
    name: "another kind of load balancer",
    refuses: (from, to) => from.edge !== null && to.edge !== null && from.edge !== to.edge,
    reason: (from, to) =>
      `the stack has an ${from.edge} and chirp:edge asks for an ${to.edge}: one cannot become the other, ` +
      "and replacing it would cut every client off",
    fix: (from) =>
      `pulumi config set edge ${from.edge}; to really change it, go to phase 1 first, then up with the other edge`,
  },
  {
    name: "other availability zones",
    refuses: (from, to) => list(from.zones) !== list(to.zones),
    reason: (from, to) =>
      `the stack's subnets lie in ${list(from.zones)} and chirp:zones asks for ${list(to.zones)}: ` +
      "subnets cannot move, and the database lives in them",
    fix: (from) => `set chirp:zones back to [${list(from.zones)}], or remove it: the stack remembers its zones`,
  },
  {
    name: "a smaller database",
    refuses: (from, to) => to.storage < from.storage,
    reason: (from, to) =>
      `the database was given ${from.storage} GB and chirp:databaseStorage asks for ${to.storage}: RDS cannot shrink`,
    fix: (from) => `pulumi config set databaseStorage ${from.storage}`,
  },
  {
    name: "another processor architecture under a single server",
    refuses: (from, to) => from.fleet === "server" && to.fleet === "server" && from.architecture !== to.architecture,
    reason: (from, to) =>
      `the single server is ${from.architecture} and chirp:serverInstanceType asks for ${to.architecture}: ` +
      "its disk cannot follow, so it would be replaced while it is the only one",
    fix: (from) => `choose an ${from.architecture} type, or go to a phase with an Auto Scaling group first`,
  },
  {
    name: "another way of migrating while one runs",
    refuses: (from, to) =>
      to.dynamodb === "follows" && from.migration?.ended === false && from.migration.strategy !== to.strategy,
    reason: (from, to) =>
      `migration ${from.migration?.run} has begun with ${from.migration?.strategy} and chirp:migration asks for ` +
      `${to.strategy}: what it has read so far, and from where, fits only the way it began`,
    fix: (from) =>
      `pulumi config set migration ${from.migration?.strategy}; to really change it, go down to phase 4 first, which ` +
      "ends this migration and keeps the tables, then up with the other one",
  },
  {
    name: "a colder table",
    refuses: (from, to) =>
      to.dynamodb === "follows" && to.warmThroughput !== undefined && to.warmThroughput < (from.warmed ?? 0),
    reason: (from, to) =>
      `the DynamoDB table has been warmed for ${from.warmed} writes per second and chirp:warmThroughput asks for ` +
      `${to.warmThroughput}: that would replace the table`,
    fix: (from) =>
      `pulumi config set warmThroughput ${from.warmed}, or remove it: it is paid for once and costs nothing now`,
  },
];

/** Why a move is refused: one line per broken rule, empty when it is legal. */
export function refusals(from: Standing, to: Wanted): string[] {
  return moveRules
    .filter((rule) => rule.refuses(from, to))
    .map((rule) => `${rule.reason(from, to)}. Fix: ${rule.fix(from, to)}`);
}
