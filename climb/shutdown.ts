/** A part that has to be stopped. @param grace milliseconds it may take to end by itself. */
export type Stop = (grace: number) => Promise<void>;

/** Milliseconds for parts to end by themselves: a database writes what it has in memory, an engine ends its steps. */
const patience = 25_000;

/**
 * Stops everything that was started, in reverse order. The first Ctrl-C asks for that; the second ends everything at
 * once, without asking.
 */
export class Shutdown {
  readonly #controller = new AbortController();
  readonly #stops: Stop[] = [];
  readonly #report: (line: string) => void;
  #ending: Promise<void> | undefined;

  constructor(report: (line: string) => void) {
    this.#report = report;
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => void this.#asked());
  }

  /** Aborted when somebody asks us to stop. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  onEnd(stop: Stop): void {
    this.#stops.push(stop);
  }

  /** Stops everything, once. */
  end(): Promise<void> {
    this.#ending ??= this.#stopAll(patience);
    return this.#ending;
  }

  async #asked(): Promise<void> {
    if (!this.signal.aborted) {
      this.#report("\nStopping; Ctrl-C again ends everything at once");
      this.#controller.abort();
      await this.end();
      return;
    }
    await this.#stopAll(0);
    process.exit(130);
  }

  async #stopAll(grace: number): Promise<void> {
    for (const stop of this.#stops.toReversed()) {
      // One part that can't be stopped must not keep the others running.
      await stop(grace).catch((error) => this.#report(`While stopping: ${(error as Error).message}`));
    }
  }
}
