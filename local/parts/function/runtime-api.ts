import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { loopback } from "../../process/ports.ts";

/** One piece of work for a process that runs a function. */
export interface Work {
  readonly requestId: string;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  /** Places on this machine of addresses that exist only on AWS. */
  readonly addresses: Readonly<Record<string, number>>;
  /** The event as JSON. */
  readonly event: string;
}

/** What an invocation came to, as Lambda reports it. */
export type Result =
  | { readonly payload: string }
  | { readonly errorType: string; readonly errorMessage: string; readonly trace: string[] };

/** How long a process that asks for work is kept waiting before it has to ask again. */
const patience = 60_000;

/**
 * What Lambda's own runtime interface is to real functions: their processes ask here for the next event, and hand in
 * what became of it. One address for all of them, each with a path of its own.
 */
export class RuntimeApi {
  readonly #waiting = new Map<string, ServerResponse>();
  readonly #work = new Map<string, Work>();
  readonly #results = new Map<string, (result: Result) => void>();
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  #opening: Promise<void> | undefined;

  /** The address for a process of this name. */
  async address(name: string): Promise<string> {
    this.#opening ??= new Promise<void>((resolve) => this.#server.listen(0, loopback, resolve));
    await this.#opening;
    const address = this.#server.address();
    return `http://${loopback}:${typeof address === "object" && address ? address.port : 0}/${name}`;
  }

  /** Hands work to a process. Settles with what it says; never, if it says nothing. */
  give(name: string, work: Work): Promise<Result> {
    return new Promise((resolve) => {
      this.#results.set(name, resolve);
      this.#work.set(name, work);
      this.#handOver(name);
    });
  }

  /** The process is gone. */
  forget(name: string): void {
    this.#work.delete(name);
    this.#results.delete(name);
    this.#waiting.get(name)?.destroy();
    this.#waiting.delete(name);
  }

  #handOver(name: string): void {
    const [response, work] = [this.#waiting.get(name), this.#work.get(name)];
    if (!response || !work) return;
    this.#waiting.delete(name);
    this.#work.delete(name);
    const { event, ...rest } = work;
    response.setHeader("Chirp-Work", JSON.stringify(rest)).end(event);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, name = "", what] = (request.url ?? "").split("/");
    if (what === "next") {
      this.#waiting.set(name, response);
      const timer = setTimeout(() => {
        this.#waiting.delete(name);
        response.writeHead(204).end();
      }, patience).unref();
      response.once("close", () => clearTimeout(timer));
      return this.#handOver(name);
    }
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // it died while it spoke: its end is seen elsewhere
    }
    response.writeHead(202).end();
    const body = Buffer.concat(chunks).toString();
    const result = what === "error" ? (JSON.parse(body) as Result) : { payload: body };
    this.#results.get(name)?.(result);
    this.#results.delete(name);
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
