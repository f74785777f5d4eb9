import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";

/** Times in milliseconds. */
export interface ConnectionsOptions {
  /** Age at which a kept-alive connection is asked to close after its next answer. */
  readonly maxAge: number;
  /** How long no request must have arrived before a draining server believes that none will. @default 1000 */
  readonly quiet?: number;
  /** How long a draining server goes on accepting connections at most. @default 18000 */
  readonly lameDuck?: number;
  /** How long it waits for the last answers after that. @default 4000 */
  readonly lastAnswers?: number;
}

/**
 * Ends connections without failing a request. A connection can only be closed safely right after an answer that said
 * `Connection: close`: whoever closes an idle one may be closing it on a request that is already on its way.
 */
export class Connections {
  readonly #server: Server;
  readonly #options: Required<ConnectionsOptions>;
  readonly #opened = new WeakMap<Socket, number>();
  #open = 0;
  readonly #inFlight = new Set<ServerResponse>();
  #lastActivity = 0;
  #isDraining = false;
  #isReplaced = false;

  constructor(server: Server, { quiet = 1000, lameDuck = 18_000, lastAnswers = 4000, maxAge }: ConnectionsOptions) {
    this.#server = server;
    this.#options = { quiet, lameDuck, lastAnswers, maxAge };
    server.on("connection", (socket: Socket) => {
      this.#opened.set(socket, performance.now());
      this.#open += 1;
      socket.once("close", () => {
        this.#open -= 1;
      });
    });
    // Before the application's own listener, so that it sees the decision.
    server.prependListener("request", (request, response) => this.#onRequest(request, response));
  }

  /**
   * Lame duck: answers whatever still comes, asking each client to close, until it has been quiet for a while; then
   * stops accepting and waits for the last answers.
   */
  async drain(): Promise<void> {
    this.#isDraining = true;
    for (const response of this.#inFlight) response.shouldKeepAlive = false;
    this.#lastActivity = performance.now();
    const start = this.#lastActivity;
    await this.#until(() => this.#isQuiet() || this.#isReplaced || this.#passed(start, this.#options.lameDuck));
    this.#stopAccepting();
    const end = performance.now();
    // Clients that were just told to close do so at once; the idle ones get a last chance to show up.
    await this.#until(() => this.#open === 0 || this.#isQuiet() || this.#passed(end, this.#options.lastAnswers));
  }

  /** Says that another process accepts from the same listening socket: a drain need not go on accepting. */
  replaced(): void {
    this.#isReplaced = true;
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    this.#inFlight.add(response);
    this.#lastActivity = performance.now();
    const opened = this.#opened.get(request.socket) ?? 0;
    if (this.#isDraining || this.#passed(opened, this.#options.maxAge)) response.shouldKeepAlive = false;
    response.once("close", () => {
      this.#inFlight.delete(response);
      this.#lastActivity = performance.now();
    });
  }

  #isQuiet(): boolean {
    return this.#inFlight.size === 0 && this.#passed(this.#lastActivity, this.#options.quiet);
  }

  #passed(since: number, duration: number): boolean {
    return performance.now() - since >= duration;
  }

  /** Unlike the HTTP server's own close(), leaves idle connections open. */
  #stopAccepting(): void {
    NetServer.prototype.close.call(this.#server);
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
