import { type Compared, noDifferences, type Work } from "../../../app/migration/work/director.ts";

/** What a verification says that found everything equal. */
export const equal: Compared = {
  rows: 10,
  rowsTotal: 10,
  items: 20,
  itemsTotal: 20,
  differences: noDifferences,
  miscounted: 0,
};

/** Work that does what a test says, and notes what was asked of it. */
export class ScriptedWork implements Work {
  readonly calls: string[] = [];
  keepsUpEarly = false;
  caughtUp = true;
  letters = 0;
  isPaused = false;
  /** What each activity does; each can be held up or made to fail. */
  doing: Record<string, (signal: AbortSignal) => Promise<unknown>> = {};

  async #do<T>(name: string, signal: AbortSignal, otherwise?: T): Promise<T> {
    this.calls.push(name);
    return ((await this.doing[name]?.(signal)) ?? otherwise) as T;
  }

  preflight = (signal: AbortSignal) => this.#do<void>("preflight", signal);
  backfill = (signal: AbortSignal) => this.#do<void>("backfill", signal);
  keepUp = async (signal: AbortSignal) => {
    await this.#do("keepUp", signal);
    await untilAborted(signal);
  };
  verify = (signal: AbortSignal) => this.#do("verify", signal, equal);
  beginVerification = async () => void this.calls.push("beginVerification");
  repair = (signal: AbortSignal) => this.#do<void>("repair", signal);
  isCaughtUp = () => this.caughtUp;
  setPaused = (paused: boolean) => {
    this.isPaused = paused;
  };
  deadLetters = () => this.letters;
}

/** Rejects when the signal comes. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
}
