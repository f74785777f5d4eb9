import { type Differences, type MigrationStatus, stages } from "./model.ts";

/**
 * A migration's state for a terminal: a few plain lines, the first of which says the most important.
 */
export function migrationLines(status: MigrationStatus): string[] {
  const { run, strategy, stage, step, paused, backfill, binlog, outbox, verification, deadLetters, retention } = status;
  const lines = [
    `Migration ${run} by ${strategy}: ${stage}${paused ? ", paused" : ""}`,
    `  ${stepper(step, stage === "failed")}`,
  ];
  const line = (name: string, ...parts: (string | false)[]) =>
    lines.push(`  ${name.padEnd(9)} ${parts.filter((part) => part !== false).join(" · ")}`);

  line(
    "backfill",
    `${number(backfill.rows)} of about ${number(Math.max(backfill.rows, backfill.rowsTotal))} rows`,
    `${number(backfill.items)} items`,
    backfill.itemsPerSecond > 0 && `${number(backfill.itemsPerSecond)} items/s`,
    backfill.etaSeconds !== null && `${duration(backfill.etaSeconds)} left`,
  );
  if (binlog)
    line(
      "binlog",
      `${duration(binlog.lagSeconds)} and ${bytes(binlog.lagBytes)} behind`,
      `${number(binlog.rows)} rows`,
      binlog.rowsPerSecond > 0 && `${number(binlog.rowsPerSecond)} rows/s`,
      binlog.etaSeconds !== null && `caught up in ${duration(binlog.etaSeconds)}`,
      binlog.position,
    );
  if (outbox)
    line(
      "outbox",
      `${number(outbox.waiting)} waiting`,
      outbox.waiting > 0 && `oldest ${duration(outbox.oldestSeconds)}`,
    );
  line("verified", ...verified(verification));
  line("refused", deadLetters === 0 ? "no rows" : `${count(deadLetters, "row")} could not be written`);
  if (retention) line("retention", ...kept(retention));
  if (status.problem !== null) lines.push(...status.problem.split("\n").map((text) => `  ! ${text}`));
  return lines;
}

function stepper(step: MigrationStatus["step"], hasFailed: boolean): string {
  const at = stages.indexOf(step);
  const mark = (index: number) => {
    if (index < at || step === "ready") return "✓";
    if (index > at) return "·";
    return hasFailed ? "✗" : "▸";
  };
  return stages.map((name, index) => `${mark(index)} ${name}`).join("  ");
}

function verified(verification: MigrationStatus["verification"]): string[] {
  const { rows, rowsTotal, items, startedAt, finishedAt, differences, miscounted } = verification;
  if (startedAt === null) return ["not yet"];
  const all =
    finishedAt === null ? `${number(rows)} of about ${number(Math.max(rows, rowsTotal))} rows` : `${number(rows)} rows`;
  return [
    all,
    `${number(items)} items`,
    differencesText(differences),
    ...(miscounted > 0 ? [`${count(miscounted, "counter")} wrong in both`] : []),
    finishedAt === null ? "under way" : `finished ${finishedAt}`,
  ];
}

function kept({ hours, expiresInSeconds, level }: NonNullable<MigrationStatus["retention"]>): string[] {
  const left =
    level === "expired" ? "what is needed may be gone" : `what is needed expires in ${duration(expiresInSeconds)}`;
  return [`${number(hours)} h`, level === "warning" ? `${left}: hurry` : left];
}

/** "no differences", or "3 missing, 1 stale". */
export function differencesText(differences: Differences): string {
  const found = Object.entries(differences).filter(([, many]) => many > 0);
  return found.length === 0 ? "no differences" : found.map(([kind, many]) => `${number(many)} ${kind}`).join(", ");
}

/** How many differences there are of all kinds. */
export function totalOf(differences: Differences): number {
  return Object.values(differences).reduce((sum, many) => sum + many, 0);
}

/** 12,345 */
export function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** "1 row", "2 rows" */
export function count(many: number, noun: string): string {
  return `${number(many)} ${noun}${many === 1 ? "" : "s"}`;
}

/** 0.4 s, 12 s, 3 min, 2 h 5 min, 6 d 23 h */
export function duration(seconds: number): string {
  if (seconds < 0.05) return "0 s";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h${minutes % 60 === 0 ? "" : ` ${minutes % 60} min`}`;
  return `${Math.floor(hours / 24)} d${hours % 24 === 0 ? "" : ` ${hours % 24} h`}`;
}

/** 0 B, 12 kB, 3.4 MB */
export function bytes(many: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [value, unit] = [many, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
