import { availableParallelism } from "node:os";
import type { Environment } from "./environment.ts";

/** Milliseconds after which a process that has nothing to do is ended. */
const idleLife = 60_000;

/** Processes of one function, for all its event sources. Lambda would have a thousand; this machine has fewer. */
const most = Math.max(2, availableParallelism() * 2);

/** The processes of one function that are kept between invocations: each does one thing at a time. */
export class Pool {
  readonly #start: () => Promise<Environment>;
  readonly #idle = new Map<Environment, NodeJS.Timeout>();
  readonly #all = new Set<Environment>();
  readonly #queue: (() => void)[] = [];
  #count = 0;
  #isStopped = false;

  constructor(start: () => Promise<Environment>) {
    this.#start = start;
  }

  /** Does something with a process that nobody else uses meanwhile. */
  async use<T>(work: (environment: Environment) => Promise<T>): Promise<T> {
    while (this.#idle.size === 0 && this.#count >= most)
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    const environment = await this.#take();
    try {
      return await work(environment);
    } finally {
      if (!environment.isOver) this.#rest(environment);
      this.#queue.shift()?.();
    }
  }

  async #take(): Promise<Environment> {
    const [rested] = this.#idle;
    if (rested) {
      const [environment, timer] = rested;
      clearTimeout(timer);
      this.#idle.delete(environment);
      return environment;
    }
    this.#count++;
    try {
      const environment = await this.#start();
      this.#all.add(environment);
      void environment.exited.then(() => this.#forget(environment));
      return environment;
    } catch (error) {
      this.#count--;
      throw error;
    }
  }

  #rest(environment: Environment): void {
    if (this.#isStopped) return void environment.stop();
    this.#idle.set(environment, setTimeout(() => void environment.stop(), idleLife).unref());
  }

  #forget(environment: Environment): void {
    clearTimeout(this.#idle.get(environment));
    this.#idle.delete(environment);
    if (this.#all.delete(environment)) this.#count--;
    this.#queue.shift()?.();
  }

  /** Lets what is running finish, and ends everything else: the function has changed. */
  retire(): void {
    this.#isStopped = true;
    for (const environment of this.#idle.keys()) void environment.stop();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#all].map((environment) => environment.stop()));
  }
}
