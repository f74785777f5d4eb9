import { type IncomingMessage, request as overHttp, type RequestOptions } from "node:http";
import { request as overHttps } from "node:https";
import type { Answer } from "./verdicts.ts";

/** Milliseconds without an answer after which there is none. */
const timeout = 3000;

const redirects = [301, 302, 307, 308];

/**
 * Asks a door for /health as clients of `name` do: by HTTP and, where that only leads to HTTPS, by HTTPS with a
 * certificate for the name. A redirect alone says nothing of who is behind the door: CloudFront gives it by itself.
 *
 * @param address what to connect to; a port may follow
 * @param name the host that clients ask for, which need not lead to the door yet
 * @param ca the authority to trust instead of the public ones
 */
export async function askHealth(address: string, name = address, ca?: string): Promise<Answer> {
  const [host = "", port = "80"] = address.split(":");
  try {
    const first = await ask(overHttp, { host, port, path: "/health", headers: headersFor(name) });
    const next = secureAddress(first);
    if (next === undefined) return { status: first.statusCode };
    const { hostname: servername, pathname: path } = next;
    const secure = { host, port: next.port || "443", servername, path, headers: headersFor(next.host), ca };
    return { status: (await ask(overHttps, secure)).statusCode };
  } catch (error) {
    return { error: reasonOf(error) };
  }
}

/** A firewall refuses who doesn't say what they are. */
function headersFor(host: string): Record<string, string> {
  return { Host: host, "User-Agent": "chirp-gate" };
}

/** Where a redirect to HTTPS leads; undefined for every other answer. */
function secureAddress({ statusCode = 0, headers }: IncomingMessage): URL | undefined {
  const { location = "" } = headers;
  if (!redirects.includes(statusCode) || !URL.canParse(location)) return undefined;
  const url = new URL(location);
  return url.protocol === "https:" ? url : undefined;
}

/** Every time a new connection: a kept one would go on to where the address led before. */
function ask(send: typeof overHttp | typeof overHttps, options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeout);
    const sent = send({ ...options, agent: false, signal }, (answer) => {
      answer.resume();
      resolve(answer);
    });
    sent.on("error", reject);
    sent.end();
  });
}

/** A name with several addresses fails with an error without words, and one for each inside. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join("; ");
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
