import type { EdgeKind, Features, Phase, Strategy } from "./features.ts";
import { withKept } from "./kept.ts";
import { refusals, type Wanted } from "./moves.ts";
import { migrationOf, type Warmth, warmthOf } from "./migration.ts";
import { five } from "./five.ts";
import { four } from "./four.ts";
import { one } from "./one.ts";
import type { Begun, Migration, Recorded } from "./recorded.ts";
import { three } from "./three.ts";
import { two } from "./two.ts";

/** Every phase, in order. A new one is one file and one line. */
export const phases: readonly Phase[] = [one, two, three, four, five];

/** Where to go, and what to write down on arrival. */
export interface Plan {
  readonly phase: Phase;
  readonly features: Features;
  /** The phase after this one, if this program knows one. */
  readonly next: Phase | undefined;
  /** The migration that runs in this phase, if one does. */
  readonly migration: Migration | undefined;
  /** What the DynamoDB table is warmed for, where that is more than DynamoDB does by itself. */
  readonly warmth: Warmth | undefined;
  /** Goes into the stack's record once everything else has succeeded. */
  readonly record: Recorded;
  /** Goes into the stack's record before anything that holds data is made. */
  readonly begun: Begun;
}

/** What an update asks for, before phases have looked at it. */
export interface Request {
  readonly phase: number;
  readonly edge: EdgeKind;
  readonly zones: readonly string[];
  readonly ami: string;
  readonly architecture: "arm64" | "x86_64";
  /** Database storage in GB. */
  readonly storage: number;
  /** How rows are moved to DynamoDB, in a phase that does. */
  readonly migration: Strategy;
  /** Units of write per second that the DynamoDB table shall be warmed for. */
  readonly warmThroughput: number | undefined;
  /** Used as the birth of a stack that has no record yet: 14 digits, UTC. */
  readonly now: string;
}

/**
 * Decides what the stack shall have.
 * @throws Error listing every reason when the move from where the stack stands is refused.
 */
export function plan(request: Request, recorded: Recorded | undefined, begun?: Begun): Plan {
  const phase = phaseNumbered(request.phase);
  if (phase === undefined)
    throw new Error(`There is no phase ${request.phase}; there are phases 1 to ${phases.length}.`);
  const edge = phase.features.entry === "balancer" ? request.edge : null;
  const { fleet, dynamodb: to } = phase.features;
  const { migration: strategy, warmThroughput: asked } = request;
  const wanted: Wanted = { ...request, edge, fleet, dynamodb: to, strategy };
  refuseIllegal(recorded, begun, wanted);
  const migration = migrationOf(strategy, { to, begun });
  const warmth = warmthOf(strategy, { recorded, begun }, { to, asked });
  const warmed = warmth?.isRaised ? warmth.writes : recorded?.warmed;
  const highest = Math.max(phase.number, recorded?.highest ?? 0, begun?.highest ?? 0);
  return {
    phase,
    features: withKept(phase.features, phaseNumbered(highest)?.features),
    next: phaseNumbered(phase.number + 1),
    migration: migration?.ended === false ? migration : undefined,
    warmth,
    record: {
      phase: phase.number,
      highest,
      edge,
      zones: request.zones,
      ami: request.ami,
      architecture: request.architecture,
      storage: request.storage,
      born: recorded?.born ?? request.now,
      ...(warmed !== undefined && { warmed }),
    },
    begun: { highest, ...(migration && { migration }), ...(warmth && { warmed: warmth.writes }) },
  };
}

function phaseNumbered(number: number): Phase | undefined {
  return phases.find((phase) => phase.number === number);
}

function refuseIllegal(recorded: Recorded | undefined, begun: Begun | undefined, wanted: Wanted): void {
  const fleet = recorded && phaseNumbered(recorded.phase)?.features.fleet;
  const known = phases.length;
  const reasons = refusals(
    { ...(recorded ?? wanted), fleet, migration: begun?.migration, warmed: begun?.warmed, known },
    wanted,
  );
  if (reasons.length === 0) return;
  const from = recorded ? `Going from phase ${recorded.phase}` : "Going";
  throw new Error(
    [
      `${from} to phase ${wanted.phase} this way is refused; nothing was changed:`,
      ...reasons.map((reason) => `  - ${reason}`),
    ].join("\n"),
  );
}
