import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { AwsError } from "../../aws/errors.ts";
import { type Exit, type Leashed, leash } from "../../process/leash.ts";
import type { RuntimeApi } from "./runtime-api.ts";

export interface EnvironmentOptions {
  /** Folder of the function's code. */
  readonly code: string;
  /** `index.handler` */
  readonly handler: string;
  readonly variables: NodeJS.ProcessEnv;
  readonly log: string;
}

/** A process that runs a function, one event at a time, until it is stopped or its time runs out. */
export class Environment {
  readonly #api: RuntimeApi;
  readonly #name: string;
  readonly #running: Leashed;
  #isOver = false;

  private constructor(api: RuntimeApi, name: string, running: Leashed) {
    this.#api = api;
    this.#name = name;
    this.#running = running;
    void running.exited.then(() => {
      this.#isOver = true;
      api.forget(name);
    });
  }

  static async start(api: RuntimeApi, { code, handler, variables, log }: EnvironmentOptions): Promise<Environment> {
    const name = randomUUID();
    const running = await leash({
      command: process.execPath,
      args: [fileURLToPath(new URL("./runner.ts", import.meta.url)), code, handler],
      env: { ...variables, CHIRP_RUNTIME_API: await api.address(name) },
      log,
      grace: 0,
    });
    return new Environment(api, name, running);
  }

  /** Whether it has ended, or is about to. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get exited(): Promise<Exit> {
    return this.#running.exited;
  }

  /**
   * Runs the function with an event and waits for its answer.
   *
   * @param seconds after which the process is ended
   * @throws with the function's own message when it fails, or with Lambda's when its time runs out
   */
  async invoke(event: string, seconds: number, addresses: Record<string, number>): Promise<string> {
    const deadline = Date.now() + seconds * 1000;
    const answer = this.#api.give(this.#name, { requestId: randomUUID(), deadline, addresses, event });
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      void this.stop();
      late.reject(new AwsError("Sandbox.Timedout", `Task timed out after ${seconds.toFixed(2)} seconds`));
    }, seconds * 1000);
    const ended = this.exited.then((exit): never => {
      throw new AwsError("Runtime.ExitError", `Runtime exited without providing a reason: ${JSON.stringify(exit)}`);
    });
    ended.catch(() => {}); // it ends some day
    try {
      const result = await Promise.race([answer, late.promise, ended]);
      if ("payload" in result) return result.payload;
      throw new AwsError(result.errorType, result.errorMessage);
    } finally {
      clearTimeout(timer);
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running.stop(0);
  }
}
