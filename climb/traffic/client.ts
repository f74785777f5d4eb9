import { Agent, type IncomingMessage, request } from "node:http";

/** Where requests go: the address connected to, and the name that is asked for. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** Value of the Host header. */
  readonly name: string;
}

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  /** Lets the service recognise a POST that is sent twice. */
  readonly idempotencyKey?: string;
  /** The answer's text has a character for each of its bytes. */
  readonly isBinary?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Milliseconds after which a request without a whole answer has failed. */
const timeout = 10_000;

/** One browser: a kept-alive connection and a session cookie. */
export class Client {
  readonly #target: Target;
  readonly #resent: () => void;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #cookie = "";

  /** @param resent called when a request is sent a second time. */
  constructor(target: Target, resent: () => void) {
    this.#target = target;
    this.#resent = resent;
  }

  /**
   * Sends a request and reads the whole answer.
   *
   * What is sent again is what every browser and HTTP library sends again (RFC 9112, 9.3.1): a request on a kept-alive
   * connection that the other side closed, before any byte of an answer. Nothing else is.
   */
  async send(call: Call): Promise<Answer> {
    try {
      return await this.#once(call);
    } catch (error) {
      if (!(error instanceof ClosedBeforeAnswer) || !isRepeatable(call)) throw error;
      this.#resent();
      return this.#once(call);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #once({ method, path, body, idempotencyKey, isBinary }: Call): Promise<Answer> {
    const { host, port, name } = this.#target;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers: Record<string, string | number> = { Host: name, Accept: "application/json" };
    if (this.#cookie) headers.Cookie = this.#cookie;
    if (payload !== undefined) {
      headers["Content-Type"] = "application/json";
      headers["Content-Length"] = Buffer.byteLength(payload);
    }
    if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
    return new Promise((resolve, reject) => {
      const outgoing = request({ host, port, method, path, headers, agent: this.#agent }, (answer) => {
        this.#keepCookie(answer);
        answer.setEncoding(isBinary ? "latin1" : "utf8");
        let text = "";
        answer.on("data", (part: string) => {
          text += part;
        });
        answer.on("end", () => settle(() => resolve({ status: answer.statusCode as number, text })));
        answer.on("error", (error) => settle(() => reject(new Error(`the answer broke off: ${error.message}`))));
      });
      const deadline = setTimeout(() => outgoing.destroy(new Error(`no answer within ${timeout / 1000} s`)), timeout);
      const settle = (end: () => void) => {
        clearTimeout(deadline);
        end();
      };
      let readBefore = 0;
      outgoing.on("socket", (socket) => {
        readBefore = socket.bytesRead;
      });
      outgoing.on("error", (error: NodeJS.ErrnoException) => {
        const unanswered = outgoing.reusedSocket && outgoing.socket?.bytesRead === readBefore;
        const closed = unanswered && (error.code === "ECONNRESET" || error.code === "EPIPE");
        settle(() => reject(closed ? new ClosedBeforeAnswer(error.message) : error));
      });
      outgoing.end(payload);
    });
  }

  #keepCookie(answer: IncomingMessage): void {
    for (const line of answer.headers["set-cookie"] ?? []) this.#cookie = line.split(";")[0] as string;
  }
}

class ClosedBeforeAnswer extends Error {}

/** A POST is only sent twice when the service can tell. */
function isRepeatable({ method, idempotencyKey }: Call): boolean {
  return method !== "POST" || idempotencyKey !== undefined;
}
