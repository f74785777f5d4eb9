import type { Counts } from "./engine/events.ts";
import { count, differencesText } from "../app/migration/lines.ts";
import { type MigrationReport, migrationProblems } from "./migration.ts";
import { number } from "./terminal.ts";
import type { Check } from "./traffic/check.ts";
import type { Stats } from "./traffic/counters.ts";

/** What one phase's update came to, with the traffic from its beginning to the beginning of the next. */
export interface PhaseReport extends Counts {
  readonly phase: number;
  readonly title: string;
  /** Whether the engine finished the update. */
  readonly ok: boolean;
  /** Seconds from the start of `pulumi up` to its end. */
  readonly seconds: number;
  /** Absent where there was no traffic. */
  readonly traffic?: Stats;
  readonly check?: Check;
  /** Absent in a phase without a migration. */
  readonly migration?: MigrationReport;
}

/** What a whole climb came to. */
export interface Report {
  /** Whether everything that was promised was kept. */
  readonly ok: boolean;
  readonly url: string;
  /** Seconds from the first update to the last check. */
  readonly seconds: number;
  readonly phases: readonly PhaseReport[];
  /** Everything that was not as promised, in words. */
  readonly problems: readonly string[];
}

export function summarise(url: string, seconds: number, phases: readonly PhaseReport[], failure?: string): Report {
  const problems = [...phases.flatMap(problemsOf), ...(failure ? [failure] : [])];
  return { ok: problems.length === 0, url, seconds: Math.round(seconds * 10) / 10, phases, problems };
}

function problemsOf({ phase, traffic, check, migration, statefulDeleted, statefulReplaced }: PhaseReport): string[] {
  const problems: string[] = [];
  const during = (text: string) => problems.push(`Phase ${phase}: ${text}`);
  if (statefulReplaced > 0) during(`${statefulReplaced} resources that hold data were replaced`);
  if (statefulDeleted > 0) during(`${statefulDeleted} resources that hold data were deleted`);
  if (traffic && traffic.failures > 0) {
    const samples = traffic.samples.map(({ at, request, problem }) => `  ${at} ${request}: ${problem}`);
    during([`${number(traffic.failures)} of ${number(traffic.requests)} requests failed`, ...samples].join("\n"));
  }
  if (check && (check.found < check.rows || check.duplicates > 0)) {
    const missing = `${number(check.rows - check.found)} of ${number(check.rows)} rows are missing or wrong`;
    during([`${missing}, ${check.duplicates} are double`, ...check.samples.map((text) => `  ${text}`)].join("\n"));
  }
  const pictures = check?.pictures;
  if (check && pictures && pictures.same < pictures.expected) {
    const lost = `${number(pictures.expected - pictures.same)} of ${number(pictures.expected)} pictures are not as uploaded`;
    during([lost, ...check.samples.map((text) => `  ${text}`)].join("\n"));
  }
  if (migration) migrationProblems(migration).forEach(during);
  return problems;
}

type Column = readonly [heading: string, cell: (phase: PhaseReport) => string];

const columns: readonly Column[] = [
  ["phase", ({ phase, title, ok }) => `${phase} ${title}${ok ? "" : " (not finished)"}`],
  ["created", ({ created }) => number(created)],
  ["updated", ({ updated }) => number(updated)],
  ["deleted", ({ deleted, statefulDeleted }) => withData(deleted, statefulDeleted)],
  ["replaced", ({ replaced, statefulReplaced }) => withData(replaced, statefulReplaced)],
  ["time", ({ seconds }) => `${seconds.toFixed(1)} s`],
  ["requests", ({ traffic }) => (traffic ? number(traffic.requests) : "–")],
  ["failed", ({ traffic }) => (traffic ? number(traffic.failures) : "–")],
  ["p50", ({ traffic }) => (traffic ? `${traffic.p50.toFixed(1)} ms` : "–")],
  ["p99", ({ traffic }) => (traffic ? `${traffic.p99.toFixed(0)} ms` : "–")],
  ["writes", ({ traffic }) => (traffic ? number(traffic.writes) : "–")],
  ["rows found", ({ check }) => (check ? `${number(check.found)} of ${number(check.rows)}` : "–")],
];

const pictures: Column = [
  "pictures read back",
  ({ check }) => (check?.pictures ? `${number(check.pictures.same)} of ${number(check.pictures.expected)}` : "–"),
];

/** The table at the end of a climb. */
export function table(phases: readonly PhaseReport[]): string[] {
  const shown = phases.some(({ check }) => check?.pictures) ? [...columns, pictures] : columns;
  const rows = [shown.map(([heading]) => heading), ...phases.map((phase) => shown.map(([, cell]) => cell(phase)))];
  const widths = shown.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      // Words are read from the left, numbers from the right.
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}

/** What a migration came to, in a sentence each. */
export function migrations(phases: readonly PhaseReport[]): string[] {
  return phases.flatMap(({ migration }) => {
    if (!migration) return [];
    const { run, strategy, readyAfter, moved, verified, differences, deadLetters } = migration;
    return [
      `Migration ${run} by ${strategy}: ${number(moved.rows)} old rows became ${number(moved.items)} items; equal and ` +
        `following ${readyAfter.toFixed(1)} s after the update.`,
      `Compared in the end: ${count(verified.rows, "row")} with ${count(verified.items, "item")}: ` +
        `${differencesText(differences)}, ` +
        `${deadLetters === 0 ? "no row" : count(deadLetters, "row")} refused.`,
    ];
  });
}

/** What the table's headings mean. */
export const legend = [
  "writes: acknowledged in the phase; rows found: rows that all acknowledged writes so far demand, looked up one by one.",
  "Latency counts from the moment a request was due, so a stall is felt by everybody who came while it lasted.",
];

/** What to do where the latency tells more about the machine than about the service. */
export function advice(phases: readonly PhaseReport[], rate: number): string[] {
  const isOverrun = phases.some(({ traffic }) => traffic && traffic.p50 > 1000);
  const less = Math.max(1, Math.round(rate / 4));
  return isOverrun ? [`This machine was too busy for ${rate} requests/s just now; try --rate ${less}.`] : [];
}

function withData(all: number, stateful: number): string {
  return stateful > 0 ? `${number(all)} (${number(stateful)} with data!)` : number(all);
}
