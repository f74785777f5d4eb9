import type { DynamoDb, Strategy } from "./features.ts";
import type { Begun, BegunMigration, Recorded } from "./recorded.ts";

/**
 * The migration of an update: the one that was begun, or the next one. It is the same one when an update that failed is
 * repeated, and another one once the stack has begun to go back down: what the worker, its user and the servers had
 * agreed on is gone then.
 *
 * @param to DynamoDB in the phase to go to
 * @returns also the last one of a stack where none runs, so that the next one is counted on from it
 */
export function migrationOf(
  strategy: Strategy,
  { to, begun }: { to: DynamoDb; begun: Begun | undefined },
): BegunMigration | undefined {
  const last = begun?.migration;
  if (to !== "follows") return last && { ...last, ended: true };
  if (last && !last.ended) return last;
  return { run: (last?.run ?? 0) + 1, strategy, ended: false };
}

/** Throughput that the DynamoDB table can take at once. */
export interface Warmth {
  /** Units of write per second. */
  readonly writes: number;
  /** Whether this is more than the table is known to have been given. */
  readonly isRaised: boolean;
}

/** Units of write per second for `bulk`: half of what an account's quota lets one table take. */
const bulkWrites = 20_000;

/**
 * What the table is warmed for: the most that was ever asked for, as DynamoDB never cools one down again.
 *
 * @param asked units of write per second by config
 */
export function warmthOf(
  strategy: Strategy,
  from: { recorded: Recorded | undefined; begun: Begun | undefined },
  { to, asked }: { to: DynamoDb; asked: number | undefined },
): Warmth | undefined {
  const wanted = to === "follows" ? (asked ?? (strategy === "bulk" ? bulkWrites : 0)) : 0;
  const writes = Math.max(from.begun?.warmed ?? 0, wanted);
  if (writes === 0) return undefined;
  return { writes, isRaised: to === "follows" && writes > (from.recorded?.warmed ?? 0) };
}
