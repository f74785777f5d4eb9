import { Agent, request } from "node:http";

/** What came of a load. */
export interface LoadResult {
  readonly answered: number;
  /** Requests without an answer, or with an error of the server, in words. */
  readonly failures: string[];
  /** Milliseconds per answer. */
  readonly latencies: number[];
}

export interface LoadOptions {
  readonly url: string;
  /** Requests per second. */
  readonly rate: number;
  /** Kept-alive connections. */
  readonly connections: number;
  readonly headers?: Record<string, string>;
  /** The n-th request. */
  readonly next: (index: number) => { method: string; path: string; body?: string };
}

/** Steady load over kept-alive connections, as a balancer or a browser makes it: nothing is retried. */
export class Load {
  readonly #options: LoadOptions;
  readonly #agent: Agent;
  readonly #timer: NodeJS.Timeout;
  readonly #pending = new Set<Promise<void>>();
  readonly result: LoadResult & { answered: number } = { answered: 0, failures: [], latencies: [] };

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.connections });
    const start = performance.now();
    let sent = 0;
    this.#timer = setInterval(() => {
      for (; sent < ((performance.now() - start) / 1000) * options.rate; sent++) {
        const one = this.#send(sent);
        this.#pending.add(one);
        void one.finally(() => this.#pending.delete(one));
      }
    }, 5);
  }

  /** Stops sending, waits for the last answers and returns what came of it. */
  async stop(): Promise<LoadResult> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    this.#agent.destroy();
    return this.result;
  }

  #send(index: number): Promise<void> {
    const { url, next, headers } = this.#options;
    const { method, path, body } = next(index);
    const start = performance.now();
    return new Promise((resolve) => {
      const failed = (reason: string) => {
        this.result.failures.push(`${method} ${path}: ${reason}`);
        resolve();
      };
      const sending = request(
        new URL(path, url),
        {
          method,
          agent: this.#agent,
          headers: { ...headers, ...(body ? { "Content-Type": "application/json" } : {}) },
        },
        (response) => {
          response.resume();
          response.on("error", (error) => failed(error.message));
          response.on("end", () => {
            if ((response.statusCode ?? 500) >= 500) return failed(`status ${response.statusCode}`);
            this.result.answered += 1;
            this.result.latencies.push(performance.now() - start);
            resolve();
          });
        },
      );
      sending.on("error", (error) => failed(`${(error as NodeJS.ErrnoException).code ?? ""} ${error.message}`));
      sending.end(body);
    });
  }
}
