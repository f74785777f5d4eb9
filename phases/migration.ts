import type { DynamoDb, Strategy } from "./features.ts";
import type { Migration, Recorded } from "./recorded.ts";

/**
 * The migration of an update: the one that runs, or the next one. An update that failed has left no record, so the same
 * one is begun when it is repeated.
 *
 * @param from DynamoDB in the recorded phase
 * @param to DynamoDB in the phase to go to
 * @returns also the last one of a stack where none runs, so that the next one is counted on from it
 */
export function migrationOf(
  strategy: Strategy,
  { from, to, recorded }: { from: DynamoDb | undefined; to: DynamoDb; recorded: Recorded | undefined },
): Migration | undefined {
  const last = recorded?.migration;
  if (to !== "follows") return last;
  if (from === "follows" && last !== undefined) return last;
  return { run: (last?.run ?? 0) + 1, strategy };
}

/** Throughput that the DynamoDB table can take at once. */
export interface Warmth {
  /** Units of write per second. */
  readonly writes: number;
  /** Whether this is more than the table has been given so far. */
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
  { to, asked, recorded }: { to: DynamoDb; asked: number | undefined; recorded: Recorded | undefined },
): Warmth | undefined {
  const given = recorded?.warmed ?? 0;
  const wanted = to === "follows" ? (asked ?? (strategy === "bulk" ? bulkWrites : 0)) : 0;
  const writes = Math.max(given, wanted);
  return writes === 0 ? undefined : { writes, isRaised: writes > given };
}
