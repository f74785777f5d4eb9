import { randomBytes } from "node:crypto";
import { Agent, createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Properties, ResourceRecord } from "../../aws/record.ts";
import type { LocalAws } from "../../local-aws.ts";
import { addressOf } from "../balancer/pipe.ts";
import { Cache } from "./cache.ts";
import { askBalancer, askBucket, type Origin, originNamed } from "./origins.ts";
import { partOf } from "./part.ts";
import { type Behavior, behaviorFor, lifetimesOf, originHeaders, policyHeaders } from "./policies.ts";

/** Headers that belong to one connection, not to the message. */
const hopByHop = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
];

type XCache = "Hit" | "Miss" | "Error";

interface Facts {
  readonly arn: string;
  /** Names that it answers to. */
  readonly names: readonly string[];
}

/**
 * A CloudFront distribution: one edge location. Behaviors by path, a cache, origins, a web ACL; no TLS, which on AWS ends
 * here: viewers come by plain HTTP, so a redirect to HTTPS is not made, and the origin is told "http".
 */
export class Distribution {
  readonly #aws: LocalAws;
  readonly #record: ResourceRecord;
  readonly #facts: Facts;
  readonly #server = createServer();
  readonly #sockets = new Map<Socket, number>();
  readonly #cache = new Cache();
  readonly #agent: Agent;
  #isClosing = false;

  constructor(aws: LocalAws, record: ResourceRecord, facts: Facts) {
    this.#aws = aws;
    this.#record = record;
    this.#facts = facts;
    // CloudFront lets go of an idle connection to an origin after 5 seconds, unless it is told otherwise.
    this.#agent = new Agent({ keepAlive: true, timeout: 5000 });
    this.#server.on("request", (request, response) => void this.#serve(request, response));
    // It never listens itself: connections are handed to it. This makes Node track them all the same.
    this.#server.emit("listening");
    this.#server.requestTimeout = 0;
    this.#server.keepAliveTimeout = 60_000;
  }

  /** Takes over a viewer's connection. */
  accept(socket: Socket): void {
    this.#sockets.set(socket, 0);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    this.#server.emit("connection", socket);
  }

  /** Ends idle connections at once, and the others with the answer they are waiting for. */
  close(): void {
    this.#isClosing = true;
    for (const [socket, requests] of this.#sockets) if (requests === 0) socket.destroy();
    this.#server.close();
    this.#endWhenIdle();
  }

  /** Lets go of the origins once nobody waits for an answer of theirs. */
  #endWhenIdle(): void {
    if ([...this.#sockets.values()].every((requests) => requests === 0)) this.#agent.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    this.#sockets.set(socket, (this.#sockets.get(socket) ?? 0) + 1);
    response.once("close", () => {
      if (this.#sockets.has(socket)) this.#sockets.set(socket, (this.#sockets.get(socket) ?? 1) - 1);
      if (!this.#isClosing) return;
      socket.end();
      this.#endWhenIdle();
    });
    try {
      await this.#answer(request, response);
    } catch (error) {
      this.#aws.log(`front: ${request.method} ${request.url}: ${(error as Error).message}`);
      if (response.headersSent) response.destroy();
      else this.#fail(response, 502);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { inputs } = this.#record;
    const { url = "/", method = "GET" } = request;
    const address = addressOf(request.socket);
    if (!this.#isMine(request.headers.host) || inputs.enabled === false) return this.#fail(response, 403);
    const viewer = { address, headers: request.headers };
    if (!this.#aws.waf.admitsBy(inputs.webAclId, viewer)) return this.#fail(response, 403);
    const behavior = behaviorFor(inputs, url.split("?")[0] ?? "/");
    if (!behavior.allowedMethods.includes(method)) return this.#fail(response, 403);
    const origin = originNamed(inputs, behavior.targetOriginId);
    if (!origin) throw new Error(`there is no origin ${behavior.targetOriginId}`);
    if (origin.originAccessControlId) return this.#fromBucket(request, response, { behavior, origin });
    await this.#fromBalancer(request, response, { behavior, origin, address });
  }

  /** A name of the distribution; loopback addresses stand for it on this machine. */
  #isMine(host = ""): boolean {
    const name = host.replace(/:\d+$/, "").toLowerCase();
    return this.#facts.names.includes(name) || name === "127.0.0.1" || name === "localhost";
  }

  #fromBucket(request: IncomingMessage, response: ServerResponse, { behavior, origin }: Route): void {
    const path = (request.url ?? "/").split("?")[0] ?? "/";
    const kept = this.#cache.find(path);
    const answer = kept ?? askBucket(this.#aws, origin, this.#facts.arn, path);
    if (!kept) this.#cache.keep(path, answer, lifetimesOf(behavior));
    const { status, body, headers: own } = partOf(answer, request.headers);
    const xCache = status >= 400 ? "Error" : kept ? "Hit" : "Miss";
    const headers = { ...withoutHops(answer.headers), ...this.#policyHeaders(behavior, answer.headers), ...own };
    const sent = Object.entries({ ...headers, ...this.#marks(xCache) }).filter(([, value]) => value !== undefined);
    response.writeHead(status, Object.fromEntries(sent));
    response.end(request.method === "HEAD" ? undefined : body);
  }

  async #fromBalancer(
    request: IncomingMessage,
    response: ServerResponse,
    route: Route & { address: string },
  ): Promise<void> {
    const { behavior, origin, address } = route;
    const { headers, socket, method = "GET", url: path = "/" } = request;
    const viewer = { address: `${address}:${socket.remotePort}`, protocol: "http" } as const;
    const before = headers["x-forwarded-for"];
    const isChunked = headers["transfer-encoding"] !== undefined;
    const upstream = await askBalancer(
      this.#aws,
      origin,
      {
        method,
        path,
        body: request,
        headers: {
          ...withoutHops(originHeaders(this.#aws.registry, behavior, headers, viewer)),
          ...(isChunked ? { "transfer-encoding": "chunked" } : {}),
          host: headers.host,
          via: this.#via,
          "x-amz-cf-id": randomBytes(20).toString("base64url"),
          "x-forwarded-for": before === undefined ? address : `${String(before)}, ${address}`,
        },
      },
      this.#agent,
    );
    const { statusCode = 502 } = upstream;
    const marks = this.#marks(statusCode >= 400 ? "Error" : "Miss");
    response.writeHead(statusCode, {
      ...withoutHops(upstream.headers),
      ...this.#policyHeaders(behavior, upstream.headers),
      ...marks,
    });
    upstream.on("error", () => response.destroy());
    response.on("close", () => upstream.destroy());
    upstream.pipe(response);
  }

  #policyHeaders(behavior: Behavior, own: OutgoingHttpHeaders): OutgoingHttpHeaders {
    const set = policyHeaders(this.#aws.registry, behavior).filter(([name, , wins]) => wins || own[name] === undefined);
    return Object.fromEntries(set.map(([name, value]) => [name, value]));
  }

  #marks(xCache: XCache): OutgoingHttpHeaders {
    return { "x-cache": `${xCache} from cloudfront`, via: this.#via, "x-amz-cf-pop": "LOCAL-1" };
  }

  get #via(): string {
    return `1.1 ${this.#facts.names[0]} (CloudFront)`;
  }

  #fail(response: ServerResponse, status: number): void {
    if (response.destroyed) return;
    const body = `<!DOCTYPE html><title>ERROR: The request could not be satisfied</title><h1>${status} ERROR</h1>\n`;
    response.writeHead(status, { "content-type": "text/html", server: "CloudFront", ...this.#marks("Error") });
    response.end(body);
  }
}

interface Route {
  readonly behavior: Behavior;
  readonly origin: Origin;
}

function withoutHops(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hopByHop.includes(name)));
}

/** The names that a distribution answers to. */
export function namesOf(inputs: Properties, domainName: string): string[] {
  return [domainName, ...((inputs.aliases ?? []) as string[])];
}
