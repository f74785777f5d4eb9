import type { Verdict } from "./verdicts.ts";

/** Time, so that tests need not spend it. */
export interface Clock {
  /** Milliseconds since any fixed moment. */
  now(): number;
  /** Resolves after so many milliseconds. */
  pause(milliseconds: number): Promise<void>;
}

/** How long the waiter may go on. */
export interface Patience {
  readonly clock: Clock;
  /** Milliseconds left until the function would be stopped. */
  remaining(): number;
}

/** Kept back to report what was missing before Lambda ends the function. */
const reserve = 15_000;
/** How long errors may go on: a policy that was changed a moment ago takes some seconds to count. */
const errorPatience = 60_000;
const shortestPause = 500;
const longestPause = 1_000;

/**
 * Looks again and again until a condition is met.
 * @param what the condition, in words that complete "waiting for"
 * @returns what was seen when it was met
 * @throws Error when it can't be met any more, when looking keeps failing, or when time runs out
 */
export async function waitUntil(what: string, look: () => Promise<Verdict>, patience: Patience): Promise<string> {
  const { clock } = patience;
  const start = clock.now();
  let pause = shortestPause;
  let failingSince: number | undefined;
  for (;;) {
    const verdict = await look().catch(failed);
    const { saw } = verdict;
    if (verdict.state === "met") return saw;
    if (verdict.state === "hopeless") throw new Error(`Waited for ${what}, but ${saw}. ${unharmed}`);
    failingSince = verdict.state === "failed" ? (failingSince ?? clock.now()) : undefined;
    if (failingSince !== undefined && clock.now() - failingSince >= errorPatience)
      throw new Error(`Waiting for ${what} failed: ${saw}. ${unharmed}`);
    if (patience.remaining() - pause <= reserve)
      throw new Error(
        `After ${seconds(clock.now() - start)} still waiting for ${what}. Last seen: ${saw}. ${unharmed} ` +
          "If it only needs longer, run `pulumi up` again: it goes on from here.",
      );
    await clock.pause(pause);
    pause = Math.min(pause * 1.3, longestPause);
  }
}

/** Waits for a fixed time. */
export async function waitFor(what: string, milliseconds: number, patience: Patience): Promise<void> {
  if (patience.remaining() - milliseconds <= reserve)
    throw new Error(
      `There is no time left to wait ${seconds(milliseconds)} for ${what}. ${unharmed} Run \`pulumi up\` again.`,
    );
  await patience.clock.pause(milliseconds);
}

const unharmed = "Nothing old has been removed, so the service goes on as before.";

/** Looking itself went wrong. */
function failed(error: unknown): { state: "failed"; saw: string } {
  return { state: "failed", saw: error instanceof Error ? error.message : String(error) };
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 1000)} s`;
}
