import type { MigrationStatus } from "../model.ts";

type Retention = NonNullable<MigrationStatus["retention"]>;

/**
 * How long what is needed of the binlog is still there. The warning comes while there is time to do something: when a
 * quarter of the time is left, or when what is to be done before takes more than half of what is left.
 *
 * @param hours for which the database keeps its binlog; null when it keeps it for ever
 * @param oldestNeeded Unix time in milliseconds of the oldest event that is still to be read
 * @param etaSeconds until it will have been read, as far as that can be told
 */
export function retentionClock(
  hours: number | null,
  oldestNeeded: number,
  now: number,
  etaSeconds: number | null,
): Retention | null {
  if (hours === null) return null;
  const expiresInSeconds = Math.round(hours * 3600 - (now - oldestNeeded) / 1000);
  const isTight = expiresInSeconds < (hours * 3600) / 4 || (etaSeconds ?? 0) > expiresInSeconds / 2;
  return { hours, expiresInSeconds, level: expiresInSeconds <= 0 ? "expired" : isTight ? "warning" : "ok" };
}
