import { setTimeout as wait } from "node:timers/promises";
import { phases } from "../phases/index.ts";
import type { Aws } from "./aws.ts";
import { count } from "./engine/events.ts";
import type { Stack } from "./engine/stack.ts";
import { insertHistory } from "./history/insert.ts";
import { Migration } from "./migration.ts";
import { type PhaseReport, type Report, summarise } from "./report.ts";
import { number } from "./terminal.ts";
import { checkLedger } from "./traffic/check.ts";
import type { Target } from "./traffic/client.ts";
import type { Stats } from "./traffic/counters.ts";
import { startTraffic, type Traffic } from "./traffic/process.ts";
import type { View } from "./view.ts";

export interface ClimbOptions {
  readonly stack: Stack;
  readonly aws: Aws;
  readonly view: View;
  /** Phases to update to, in order. */
  readonly steps: readonly number[];
  /** Requests per second; 0 for no traffic. */
  readonly rate: number;
  /** File of acknowledged writes. */
  readonly ledger: string;
  /** How much people did before, and the file that says what of it is there. */
  readonly history: { readonly scale: number; readonly file: string };
  /** Aborted when the climb is to end early. */
  readonly signal: AbortSignal;
  /** Told of everything that has to be stopped, the last first, should the climb end early. */
  readonly onStarted: (stop: (grace: number) => Promise<void>) => void;
}

/** How long traffic flows in a phase after its update, in ms: what a switch left behind shows itself then. */
const dwell = 4000;
/** How long a migration may take to become ready, in ms, for a history of scale 1: many times what it takes. */
const migrationPatience = 10 * 60_000;
/** How long the service may take to answer after the first update, in ms. */
const firstAnswer = 60_000;

/** Takes the stack through the phases while people use it, and tells what happened. */
export async function climb(options: ClimbOptions): Promise<Report> {
  const { aws, steps, signal } = options;
  const start = performance.now();
  const reports: PhaseReport[] = [];
  let traffic: Traffic | undefined;
  let failure: string | undefined;
  try {
    for (const [at, phase] of steps.entries()) {
      const update = await updateTo(phase, options);
      failure = update.failure;
      if (failure) {
        reports.push({ ...update.report, ...(traffic && { traffic: await traffic.mark() }) });
        break;
      }
      if (at === 0) await addHistory(options);
      traffic ??= await beginTraffic(options);
      // On the way down nobody waits for what is about to end: it may be the reason for going.
      const isPassing = (steps[at + 1] ?? phase) < phase;
      const moved = isPassing ? undefined : await untilReady(phase, options);
      const used = traffic && (await letFlow(traffic, phase, options));
      const compared = await moved?.compare();
      failure = moved?.failure ?? compared?.failure;
      reports.push({ ...update.report, ...used, ...(compared?.report && { migration: compared.report }) });
      if (failure) break;
      signal.throwIfAborted();
      if (traffic && at < steps.length - 1) await traffic.resume();
    }
  } finally {
    await traffic?.stop();
  }
  const url = await aws.url().catch(() => "");
  return summarise(url, (performance.now() - start) / 1000, reports, failure);
}

/** One update, by `pulumi config set phase N` and `pulumi up`. */
async function updateTo(phase: number, { stack, aws, view, onStarted, signal }: ClimbOptions) {
  const title = phases.find(({ number }) => number === phase)?.title ?? "";
  await stack.configure({ "chirp:phase": phase });
  signal.throwIfAborted();
  const starting = stack.up(aws.providers, () => view.engine(operation.progress));
  onStarted(async (grace) => (await starting.catch(() => undefined))?.stop(grace));
  const operation = await starting;
  view.begin(phase, title);
  const { ok, progress, seconds, reason } = await operation.finished;
  signal.throwIfAborted();
  const report: PhaseReport = { phase, title, ok, seconds: round(seconds), ...count(progress.changes) };
  view.end(report);
  return { report, failure: ok ? undefined : await explain(phase, reason, aws) };
}

async function explain(phase: number, reason: string, { exited }: Aws): Promise<string> {
  const awsEnded = await Promise.race([exited.then(() => true), wait(500, false)]);
  const why = awsEnded ? "The local AWS has ended in the middle of it." : `The engine says:\n${indent(reason)}`;
  return `Phase ${phase} was not reached. ${why}\nnpm start goes on from there.`;
}

/** Gives the service a past before anybody uses it. */
async function addHistory(options: ClimbOptions): Promise<void> {
  const { aws, view, history } = options;
  if (history.scale === 0) return;
  // Whoever answers has made the tables.
  await untilAnswered(options);
  const database = await aws.database();
  if (!database) throw new Error("The local AWS knows of no database, so it can't be given a history.");
  view.note("what people did before is inserted");
  const rows = await insertHistory({ ...history, database });
  if (rows > 0) view.line(`  ${number(rows)} rows of what people did before`);
}

/** Starts the traffic as soon as the service answers. */
async function beginTraffic(options: ClimbOptions) {
  const { rate, ledger, view, onStarted } = options;
  if (rate === 0) return undefined;
  const target = await untilAnswered(options);
  view.note("the first people sign up");
  const traffic = await startTraffic({ target, rate, ledger, onStats: (stats) => view.traffic(stats) });
  onStarted(async () => traffic.kill());
  return traffic;
}

/** Waits until the service answers through its one address, and returns that. */
async function untilAnswered({ aws, view, signal }: ClimbOptions): Promise<Target> {
  view.note("waiting for the service to answer");
  const target = await aws.target();
  const deadline = performance.now() + firstAnswer;
  for (;;) {
    const problem = await problemAt(target);
    if (problem === undefined) return target;
    signal.throwIfAborted();
    if (performance.now() > deadline) {
      throw new Error(`The service does not answer at http://${target.name} a minute after its update: ${problem}`);
    }
    await wait(50);
  }
}

async function problemAt(target: Target): Promise<string | undefined> {
  try {
    const url = `http://${target.host}:${target.port}/ready`;
    const { status } = await fetch(url, { signal: AbortSignal.timeout(2000) });
    return status === 200 ? undefined : `GET /ready is answered with ${status}`;
  } catch (error) {
    return ((error as Error).cause as Error | undefined)?.message ?? (error as Error).message;
  }
}

/** Lets the traffic flow on for a while, then holds it and checks every acknowledged write. */
async function letFlow(traffic: Traffic, phase: number, { aws, ledger, view, signal }: ClimbOptions) {
  view.note("in use");
  await wait(dwell, undefined, { signal });
  await traffic.pause();
  const stats: Stats = await traffic.mark();
  view.note("looking up every acknowledged write");
  const database = await aws.database();
  if (!database) throw new Error("The local AWS knows of no database, so no acknowledged write can be looked up.");
  const servesPictures = phases.find(({ number }) => number === phase)?.features.pictures === "served";
  const check = await checkLedger(ledger, database, servesPictures ? await aws.target() : undefined);
  view.used(stats, check);
  return { traffic: stats, check };
}

function round(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}

/** Waits, while people write, until a migration is where it should be; undefined in a phase without one. */
async function untilReady(phase: number, options: ClimbOptions) {
  if (phases.find((known) => known.number === phase)?.features.dynamodb !== "follows") return undefined;
  const { stack, aws, view, history, signal } = options;
  view.note("every row is moved to DynamoDB");
  const patience = migrationPatience * Math.max(1, history.scale);
  const show = (lines: readonly string[]) => view.migration(lines);
  const migration = await Migration.open({ stack, aws, show, signal, patience });
  try {
    const readyAfter = await migration.ready();
    return { compare: () => compare(migration, readyAfter, options) };
  } catch (error) {
    signal.throwIfAborted();
    return { compare: () => undefined, failure: `Phase ${phase}: ${(error as Error).message}` };
  }
}

/** What a migration came to, when nobody writes any more. */
async function compare(migration: Migration, readyAfter: number, { view, signal }: ClimbOptions) {
  view.note("every row is compared once more");
  try {
    const report = await migration.verify(readyAfter);
    return { report };
  } catch (error) {
    signal.throwIfAborted();
    return { failure: (error as Error).message };
  }
}
