import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { answered, asked } from "../journal.ts";
import { totalOf } from "../lines.ts";
import type { Command, Differences, Journal, MigrationStatus } from "../model.ts";
import { persevere, type Troubles } from "./perseverance.ts";

export type Step = MigrationStatus["step"];

/** What is known of the latest verification. */
export type Verification = MigrationStatus["verification"];

/** What a verification has compared and found, so far or in all. */
export type Compared = Omit<Verification, "startedAt" | "finishedAt">;

export const noDifferences: Differences = { lagging: 0, stale: 0, missing: 0, extra: 0, mapping: 0, conflict: 0 };

export const notVerified: Verification = {
  rows: 0,
  rowsTotal: 0,
  items: 0,
  itemsTotal: 0,
  startedAt: null,
  finishedAt: null,
  differences: noDifferences,
  miscounted: 0,
};

/** The work itself. Everything may be cut short by its signal at any point, and begun again: by another process, too. */
export interface Work {
  /** @throws Refused with everything that stands in the way */
  preflight(signal: AbortSignal): Promise<void>;
  /** Writes all old rows. */
  backfill(signal: AbortSignal): Promise<void>;
  /** Applies what changes, until the signal. */
  keepUp(signal: AbortSignal): Promise<void>;
  /** Whether {@link keepUp} is wanted beside the backfill already. */
  readonly keepsUpEarly: boolean;
  /** Whether what changes arrives within seconds. */
  isCaughtUp(): boolean;
  /** Compares all rows with all items, going on from where it was cut short. */
  verify(signal: AbortSignal): Promise<Compared>;
  /** Forgets what the latest verification found, so that the next one begins from the start. */
  beginVerification(): Promise<void>;
  /** Writes again what differs and what was refused. */
  repair(signal: AbortSignal): Promise<void>;
  /** Stops for a while, or goes on, with applying what changes. */
  setPaused(paused: boolean): void;
  /** Rows that were refused and not written since. */
  deadLetters(): number;
}

export interface DirectorOptions {
  readonly journal: Journal;
  readonly work: Work;
  readonly troubles: Troubles;
  readonly log: Pick<Logger, "info" | "warn">;
  readonly signal: AbortSignal;
  /** Called about once a second with the state as it is. */
  readonly publish: () => Promise<void>;
}

/** Something that is being done until it is finished or something else is wanted. */
interface Task {
  readonly name: "preflight" | "backfill" | "verify" | "repair";
  readonly controller: AbortController;
  /** Never rejects; says how it ended. */
  readonly ended: Promise<void>;
}

/** Milliseconds between two looks at what is to be done, and between two looks at what people ask. */
const tick = 200;
const second = 1000;

/**
 * Decides what is done. Every decision is in the journal before it shows, so that whoever comes after goes on from there:
 * preflight and backfill once, then what changes is applied for ever, and the step follows from facts: behind, to be
 * verified, or ready.
 */
export class Director {
  readonly #options: DirectorOptions;
  #step: Step = "preflight";
  #isPaused = false;
  #isRepairAsked = false;
  #verification = notVerified;
  #task: Task | undefined;
  #keepingUp: Promise<void> | undefined;
  readonly #failed = Promise.withResolvers<never>();
  #poke = new AbortController();

  constructor(options: DirectorOptions) {
    this.#options = options;
    this.#failed.promise.catch(() => {}); // told by run()
  }

  get step(): Step {
    return this.#step;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  get verification(): Verification {
    return this.#verification;
  }

  /** Has it look at once at what people ask. */
  poke(): void {
    this.#poke.abort();
  }

  /**
   * Works until the signal.
   *
   * @throws Deposed when another worker has taken over
   */
  async run(): Promise<void> {
    const { signal } = this.#options;
    await this.#persevere(() => this.#recall());
    let lastSecond = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const isDue = performance.now() - lastSecond >= second || this.#poke.signal.aborted;
      if (isDue) lastSecond = performance.now();
      await this.#persevere(async () => {
        if (isDue) await this.#obey();
        await this.#follow();
        this.#steer();
        if (isDue) await this.#options.publish();
      });
      const woken = AbortSignal.any([signal, this.#poke.signal]);
      await Promise.race([this.#failed.promise, pause(tick, undefined, { signal: woken }).catch(() => {})]);
    }
  }

  /** Settles when nothing is being done any more, after the signal. */
  async ended(): Promise<void> {
    await Promise.all([this.#task?.ended, this.#keepingUp]);
  }

  /** Also fails when something in the background has failed for good. */
  #persevere(work: () => Promise<void>): Promise<void> {
    return Promise.race([this.#failed.promise, persevere("journal", this.#options, work)]);
  }

  async #recall(): Promise<void> {
    const { journal, work } = this.#options;
    const [step, isPaused, isRepairAsked, verification] = await Promise.all([
      journal.get<Step>("stage"),
      journal.get<boolean>("paused"),
      journal.get<boolean>("repair"),
      journal.get<Verification>("verification"),
    ]);
    this.#step = step ?? "preflight";
    this.#isPaused = isPaused ?? false;
    this.#isRepairAsked = isRepairAsked ?? false;
    this.#verification = verification ?? notVerified;
    work.setPaused(this.#isPaused);
  }

  async #obey(): Promise<void> {
    this.#poke = new AbortController();
    for (const one of await asked(this.#options.journal)) {
      this.#options.log.info({ command: one.command }, "asked for");
      await this.#do(one.command);
      await answered(this.#options.journal, one);
    }
  }

  async #do(command: Command): Promise<void> {
    const { journal, work } = this.#options;
    switch (command) {
      case "pause":
      case "resume":
        this.#isPaused = command === "pause";
        await journal.put("paused", this.#isPaused);
        work.setPaused(this.#isPaused);
        break;
      case "verify":
        await this.#verifyAnew();
        break;
      case "repair":
        this.#isRepairAsked = true;
        await journal.put("repair", true);
    }
  }

  /** The step that the facts ask for. */
  async #follow(): Promise<void> {
    if (this.#step === "preflight" || this.#step === "backfill") return;
    const step = this.#options.work.isCaughtUp() ? (this.#isVerified ? "ready" : "verify") : "catch-up";
    if (step !== this.#step) await this.#reach(step);
  }

  get #isVerified(): boolean {
    const { finishedAt, differences } = this.#verification;
    const isEqual = finishedAt !== null && totalOf(differences) === 0;
    return isEqual && this.#options.work.deadLetters() === 0 && !this.#isRepairAsked;
  }

  async #reach(step: Step): Promise<void> {
    await this.#options.journal.put("stage", step);
    this.#step = step;
    this.#options.log.info({ step }, "reached");
  }

  /** Sees to it that what is wanted is being done, and nothing else. */
  #steer(): void {
    const { work } = this.#options;
    const isPast = this.#step !== "preflight" && this.#step !== "backfill";
    if (!this.#keepingUp && (isPast || (work.keepsUpEarly && this.#step === "backfill"))) this.#keepUp();
    const wanted = this.#wanted();
    if (this.#task && this.#task.name !== wanted) this.#task.controller.abort();
    else if (!this.#task && wanted) this.#begin(wanted);
  }

  #wanted(): Task["name"] | undefined {
    if (this.#isPaused) return undefined;
    if (this.#step === "preflight" || this.#step === "backfill") return this.#step;
    if (this.#isRepairAsked) return "repair";
    // One that has begun goes on while changes are a little late: it waits for them itself.
    const isWanted = this.#step === "verify" || this.#task?.name === "verify";
    return isWanted && this.#verification.finishedAt === null ? "verify" : undefined;
  }

  #keepUp(): void {
    const { work, signal } = this.#options;
    const keeping = persevere("changes", this.#options, () => work.keepUp(signal));
    this.#keepingUp = keeping.catch((error) => {
      if (!signal.aborted) this.#failed.reject(error);
    });
  }

  #begin(name: Task["name"]): void {
    const controller = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, controller.signal]);
    const doing = persevere(name, { ...this.#options, signal }, () => this.#work(name, signal));
    const ended = doing
      .catch((error) => {
        if (!signal.aborted) this.#failed.reject(error);
      })
      .then(() => {
        this.#task = undefined;
        this.poke();
      });
    this.#task = { name, controller, ended };
  }

  async #work(name: Task["name"], signal: AbortSignal): Promise<void> {
    const { work, journal } = this.#options;
    switch (name) {
      case "preflight":
        await work.preflight(signal);
        return this.#reach("backfill");
      case "backfill":
        await work.backfill(signal);
        return this.#reach("catch-up");
      case "verify":
        return this.#verify(signal);
      case "repair":
        await work.repair(signal);
        // Only a new verification can tell whether it helped; kept before the wish for repair is forgotten.
        await this.#verifyAnew();
        await journal.remove("repair");
        this.#isRepairAsked = false;
    }
  }

  async #verify(signal: AbortSignal): Promise<void> {
    const { work } = this.#options;
    let { startedAt } = this.#verification;
    if (startedAt === null) {
      await work.beginVerification();
      startedAt = new Date().toISOString();
      await this.#keep({ ...notVerified, startedAt });
    }
    const found = await work.verify(signal);
    signal.throwIfAborted();
    await this.#keep({ ...found, startedAt, finishedAt: new Date().toISOString() });
  }

  async #keep(verification: Verification): Promise<void> {
    await this.#options.journal.put("verification", verification);
    this.#verification = verification;
  }

  async #verifyAnew(): Promise<void> {
    // One that is under way must not put its result in after this.
    const task = this.#task?.name === "verify" ? this.#task : undefined;
    task?.controller.abort();
    await task?.ended;
    await this.#options.journal.remove("verification");
    this.#verification = notVerified;
  }
}
