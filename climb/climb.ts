import { setTimeout as wait } from "node:timers/promises";
import { phases } from "../phases/index.ts";
import type { Aws } from "./aws.ts";
import { count } from "./engine/events.ts";
import type { Stack } from "./engine/stack.ts";
import { type PhaseReport, type Report, summarise } from "./report.ts";
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
  /** Aborted when the climb is to end early. */
  readonly signal: AbortSignal;
  /** Told of everything that has to be stopped, the last first, should the climb end early. */
  readonly onStarted: (stop: (grace: number) => Promise<void>) => void;
}

/** How long traffic flows in a phase after its update, in ms: what a switch left behind shows itself then. */
const dwell = 4000;
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
      traffic ??= await beginTraffic(options);
      const used = traffic && (await letFlow(traffic, phase, options));
      reports.push({ ...update.report, ...used });
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

/** Starts the traffic as soon as the service answers through its one address. */
async function beginTraffic({ aws, rate, ledger, view, onStarted, signal }: ClimbOptions) {
  if (rate === 0) return undefined;
  view.note("waiting for the service to answer");
  const target = await aws.target();
  const deadline = performance.now() + firstAnswer;
  for (;;) {
    const problem = await problemAt(target);
    if (problem === undefined) break;
    signal.throwIfAborted();
    if (performance.now() > deadline) {
      throw new Error(`The service does not answer at http://${target.name} a minute after its update: ${problem}`);
    }
    await wait(50);
  }
  view.note("the first people sign up");
  const traffic = await startTraffic({ target, rate, ledger, onStats: (stats) => view.traffic(stats) });
  onStarted(async () => traffic.kill());
  return traffic;
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
