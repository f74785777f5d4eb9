import { randomBytes } from "node:crypto";
import { Agent, createServer, type IncomingMessage, request as forward, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Properties, ResourceRecord } from "../../aws/record.ts";
import type { LocalAws } from "../../local-aws.ts";
import { loopback } from "../../process/ports.ts";
import { addressOf } from "./pipe.ts";
import { mayReach } from "./reach.ts";
import type { Target } from "./targets.ts";

/** Headers that belong to one connection, not to the message. */
const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** AWS gives up on a target that does not accept a connection for this long. */
const connectTimeout = 10_000;

/**
 * An application load balancer's listener: HTTP to healthy targets over kept connections.
 *
 * A request is sent once. When a target closes a kept connection under it, the client gets a 502, as AWS documents: a
 * balancer that tried again here would hide servers that close too early.
 */
export class ApplicationListener {
  readonly #aws: LocalAws;
  readonly #balancer: () => ResourceRecord | undefined;
  readonly #listener: ResourceRecord;
  readonly #server = createServer();
  readonly #agents = new Map<string, Agent>();
  readonly #sockets = new Map<Socket, { readonly opened: number; requests: number }>();
  #isClosing = false;

  constructor(aws: LocalAws, listener: ResourceRecord, balancer: () => ResourceRecord | undefined) {
    this.#aws = aws;
    this.#listener = listener;
    this.#balancer = balancer;
    this.#server.on("request", (request: IncomingMessage, response: ServerResponse) => this.#serve(request, response));
    // It never listens itself: connections are handed to it. This makes Node track them all the same.
    this.#server.emit("listening");
    this.#server.requestTimeout = 0;
  }

  /** Takes over a client's connection. */
  accept(socket: Socket): void {
    this.#server.keepAliveTimeout = this.#idleTimeout;
    this.#sockets.set(socket, { opened: Date.now(), requests: 0 });
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
    this.#server.emit("connection", socket);
  }

  /** Ends idle connections at once, and the others with the answer they are waiting for. */
  close(): void {
    this.#isClosing = true;
    for (const [socket, { requests }] of this.#sockets) if (requests === 0) socket.destroy();
    for (const agent of this.#agents.values()) {
      for (const socket of Object.values(agent.freeSockets).flat()) socket?.destroy();
      agent.maxFreeSockets = 0;
    }
    this.#server.close();
  }

  get #idleTimeout(): number {
    return Number(this.#balancer()?.inputs.idleTimeout ?? 60) * 1000;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const balancer = this.#balancer();
    const connection = this.#sockets.get(socket);
    if (connection) connection.requests++;
    response.once("close", () => {
      if (connection) connection.requests--;
      if (this.#isClosing) socket.end();
    });
    const longest = Number(balancer?.inputs.clientKeepAlive ?? 3600) * 1000;
    if (this.#isClosing || (connection && Date.now() - connection.opened > longest)) response.shouldKeepAlive = false;
    const address = addressOf(socket);
    if (!balancer) return answer(response, 503);
    if (!this.#aws.waf.admits(balancer.id, { address, headers: request.headers })) return answer(response, 403);
    const [action = {}] = (this.#listener.inputs.defaultActions ?? []) as Properties[];
    if (action.type === "redirect") return redirect(request, response, action.redirect as Properties);
    if (action.type === "fixed-response") return respond(response, action.fixedResponse as Properties);
    const group = targetGroupOf(action);
    const target = this.#aws.targets.pick(group);
    if (!target) return answer(response, 503);
    this.#forward(request, response, { group, target, balancer, address });
  }

  #forward(request: IncomingMessage, response: ServerResponse, { group, target, balancer, address }: Forwarding): void {
    const port = this.#aws.instances.localPort(target.id, target.port);
    if (port === undefined || !mayReach(this.#aws, balancer, target)) return answer(response, 504);
    const finish = this.#aws.targets.begin(group, target);
    const upstream = forward({
      host: loopback,
      port,
      agent: this.#agent(target, port),
      method: request.method,
      path: request.url,
      headers: this.#headers(request, address),
      setHost: false,
    });
    const connecting = setTimeout(() => fail(504), connectTimeout);
    const fail = (status: number) => {
      clearTimeout(connecting);
      upstream.destroy();
      finish();
      if (response.headersSent) response.destroy();
      else answer(response, status);
    };
    upstream.on("socket", (socket) => {
      if (!socket.connecting) clearTimeout(connecting);
      else socket.once("connect", () => clearTimeout(connecting));
    });
    upstream.on("timeout", () => fail(504));
    upstream.on("error", () => fail(502));
    upstream.on("response", (answered) => {
      const kept = rawPairs(answered.rawHeaders).filter(([name]) => !hopByHop.has(name.toLowerCase()));
      response.writeHead(answered.statusCode ?? 502, answered.statusMessage, kept.flat());
      answered.pipe(response);
      answered.on("error", () => fail(502));
      answered.on("end", finish);
    });
    // A client that leaves does not wait for its answer: neither does the target's connection.
    response.once("close", () => {
      clearTimeout(connecting);
      if (!response.writableFinished) upstream.destroy();
      finish();
    });
    request.pipe(upstream);
  }

  #headers(request: IncomingMessage, address: string): string[] {
    const before = request.headers["x-forwarded-for"];
    const isChunked = request.headers["transfer-encoding"] !== undefined;
    // Node would announce a body in chunks for these, which the client has not.
    const isBare = !isChunked && request.headers["content-length"] === undefined;
    const hasNoBody = isBare && ["POST", "PUT", "PATCH"].includes(request.method ?? "");
    const replaced = new Set(["x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-amzn-trace-id"]);
    const kept = rawPairs(request.rawHeaders).filter(
      ([name]) => !hopByHop.has(name.toLowerCase()) && !replaced.has(name.toLowerCase()),
    );
    const second = Math.floor(Date.now() / 1000).toString(16);
    return [
      ...kept.flat(),
      ...(isChunked ? ["Transfer-Encoding", "chunked"] : []),
      ...(hasNoBody ? ["Content-Length", "0"] : []),
      "X-Forwarded-For",
      before === undefined ? address : `${String(before)}, ${address}`,
      "X-Forwarded-Proto",
      "http",
      "X-Forwarded-Port",
      String(this.#listener.inputs.port),
      "X-Amzn-Trace-Id",
      `Root=1-${second}-${randomBytes(12).toString("hex")}`,
    ];
  }

  #agent({ id }: Target, port: number): Agent {
    const key = `${id}:${port}`;
    const existing = this.#agents.get(key);
    if (existing) return existing;
    const agent = new Agent({ keepAlive: true, timeout: this.#idleTimeout });
    this.#agents.set(key, agent);
    return agent;
  }
}

interface Forwarding {
  readonly group: string;
  readonly target: Target;
  readonly balancer: ResourceRecord;
  readonly address: string;
}

/** The target group of a forward action, in either way of writing it. */
export function targetGroupOf(action: Properties): string {
  const [first] = ((action.forward as Properties | undefined)?.targetGroups ?? []) as Properties[];
  return String(action.targetGroupArn ?? first?.arn ?? "");
}

const reasons: Record<number, string> = {
  403: "Forbidden",
  502: "Bad Gateway",
  503: "Service Temporarily Unavailable",
  504: "Gateway Time-out",
};

function answer(response: ServerResponse, status: number): void {
  if (response.destroyed) return;
  const title = `${status} ${reasons[status]}`;
  response.writeHead(status, { "Content-Type": "text/html", Server: "awselb/2.0" });
  response.end(
    `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`,
  );
}

function redirect(request: IncomingMessage, response: ServerResponse, to: Properties): void {
  const [host = ""] = String(to.host ?? request.headers.host ?? "").split(":");
  const protocol = String(to.protocol ?? "HTTP").toLowerCase();
  const location = `${protocol}://${host}:${String(to.port ?? "80")}${request.url}`;
  response.writeHead(to.statusCode === "HTTP_302" ? 302 : 301, { Location: location, Server: "awselb/2.0" }).end();
}

function respond(response: ServerResponse, fixed: Properties): void {
  response.writeHead(Number(fixed.statusCode ?? 200), {
    "Content-Type": String(fixed.contentType),
    Server: "awselb/2.0",
  });
  response.end(String(fixed.messageBody ?? ""));
}

function rawPairs(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) pairs.push([raw[index] ?? "", raw[index + 1] ?? ""]);
  return pairs;
}
