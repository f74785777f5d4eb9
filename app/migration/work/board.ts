import { count, differencesText, duration, totalOf } from "../lines.ts";
import type { MigrationStatus, Strategy } from "../model.ts";
import type { Compared, Director } from "./director.ts";
import type { Troubles } from "./perseverance.ts";
import { retentionClock } from "./retention.ts";
import { Trend } from "./trend.ts";

/** What the work shows of itself at any time. */
export interface Measures {
  readonly backfill: { readonly rows: number; readonly rowsTotal: number; readonly items: number };
  /** Items written per second of late. */
  readonly itemsPerSecond: number;
  /** Null with dual-write. */
  readonly binlog: Omit<NonNullable<MigrationStatus["binlog"]>, "etaSeconds"> | null;
  /** Null without dual-write. */
  readonly outbox: MigrationStatus["outbox"];
  /** Of the verification that is under way. */
  readonly verification: Compared | undefined;
  readonly deadLetters: number;
  /** Why changes don't come just now, where that passes by itself; null while all is well. */
  readonly trouble: string | null;
  /** Hours for which the binlog is kept; null when it is kept for ever, or not needed. */
  readonly retentionHours: number | null;
}

export interface BoardOptions {
  readonly run: number;
  readonly strategy: Strategy;
  readonly fence: number;
  /** ISO 8601 time at which the run began: as old as what is recorded of the binlog. */
  readonly begunAt: string;
  readonly director: Pick<Director, "step" | "isPaused" | "verification">;
  readonly measures: () => Measures;
  readonly troubles: Troubles;
}

/** Makes the status of what the worker is at. */
export class Board {
  readonly #options: BoardOptions;
  readonly #backfilled = new Trend();
  readonly #behind = new Trend();

  constructor(options: BoardOptions) {
    this.#options = options;
  }

  /** The status as of now; called every second or so, it knows how fast things go. */
  status(): MigrationStatus {
    const { run, strategy, fence, begunAt, director, measures, troubles } = this.#options;
    const { backfill, itemsPerSecond, binlog, outbox, verification, deadLetters, retentionHours, trouble } = measures();
    const { step, isPaused } = director;
    const now = Date.now();
    this.#backfilled.note(backfill.rows, now);
    if (binlog) this.#behind.note(binlog.lagBytes, now);
    const isBackfilling = step === "backfill" && !isPaused;
    const toBackfill = isBackfilling
      ? this.#backfilled.secondsUntil(Math.max(backfill.rows, backfill.rowsTotal))
      : null;
    const toCatchUp = binlog && (binlog.lagBytes === 0 ? 0 : this.#behind.secondsUntil(0));
    const oldestNeeded = binlog ? now - binlog.lagSeconds * 1000 : Date.parse(begunAt);
    const status: MigrationStatus = {
      run,
      strategy,
      stage: troubles.areFatal ? "failed" : step,
      step,
      paused: isPaused,
      begunAt,
      updatedAt: new Date(now).toISOString(),
      fence,
      backfill: { ...backfill, itemsPerSecond: Math.round(itemsPerSecond), etaSeconds: toBackfill },
      binlog: binlog && { ...binlog, etaSeconds: toCatchUp },
      outbox,
      verification: { ...director.verification, ...verification },
      deadLetters,
      retention: retentionClock(retentionHours, oldestNeeded, now, toBackfill ?? toCatchUp),
      problem: null,
    };
    return { ...status, problem: [troubles.text, trouble, ...advice(status)].filter(Boolean).join("\n") || null };
  }
}

/** What is wrong with what was found, and what to do. */
function advice({ verification, deadLetters, retention }: MigrationStatus): string[] {
  const all: string[] = [];
  if (verification.finishedAt !== null && totalOf(verification.differences) > 0)
    all.push(
      `The verification found ${differencesText(verification.differences)}: repair writes these rows again, and then ` +
        "everything is verified anew.",
    );
  if (deadLetters > 0)
    all.push(
      `${count(deadLetters, "row")} could not be written, for the reasons listed: put them right in MySQL, or repair.`,
    );
  if (retention?.level === "expired")
    all.push(
      `The binlog is kept for ${retention.hours} h only, and what is still to be read is older: what is lost shows ` +
        "when it is read. Then the migration has to begin again.",
    );
  if (retention?.level === "warning")
    all.push(
      `What is still to be read of the binlog expires in ${duration(retention.expiresInSeconds)}: it is kept for ` +
        `${retention.hours} h, on RDS the longest there is. See to what holds the worker up, or resume it.`,
    );
  return all;
}
