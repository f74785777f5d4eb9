import assert from "node:assert/strict";
import { count } from "../../climb/engine/events.ts";
import type { Outcome } from "../../climb/engine/pulumi.ts";
import type { Traffic } from "../../climb/traffic/process.ts";
import { inWords, type LocalStack } from "../support/local-stack.ts";
import { until } from "../support/wait.ts";

export interface Moving {
  readonly local: LocalStack;
  readonly traffic: Traffic;
  /** Requests that were answered since the counts began. */
  readonly requests: () => number;
  /** Requests per second. */
  readonly rate: number;
}

/** Previews the move, makes it under traffic, and holds the two and the traffic against what is promised. */
export async function makeMove({ local, traffic, requests, rate }: Moving, phase: number): Promise<Outcome> {
  await traffic.mark();
  const preview = await local.preview(phase);
  assert.ok(preview.ok, preview.reason);
  const made = await local.up(phase);
  assert.ok(made.ok, made.reason);
  const sent = requests();
  await until(() => requests() > sent + rate, { timeout: 30_000, describe: "requests are answered after the move" });

  await assertNoneFailed(traffic);
  const { statefulDeleted, statefulReplaced } = count(made.progress.changes);
  assert.deepEqual({ statefulDeleted, statefulReplaced }, { statefulDeleted: 0, statefulReplaced: 0 });
  assert.deepEqual(inWords(preview.progress.changes), inWords(made.progress.changes));
  for (const change of inWords(made.progress.changes, "replace")) {
    assert.match(change, /^replace Invocation chirp-gate-/, "only the gate's questions are asked anew");
  }
  assert.equal(local.phase(), phase);
  return made;
}

/** Every request since the counts began was answered; they begin anew. */
export async function assertNoneFailed(traffic: Traffic): Promise<void> {
  const { failures, samples } = await traffic.mark();
  assert.equal(failures, 0, JSON.stringify(samples, undefined, 1));
}
