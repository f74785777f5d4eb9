import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Target } from "../../climb/traffic/client.ts";

/** What a test may do to a request instead of letting it be answered: true when it has dealt with it. */
export type Interference = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A service that answers as the real one does, and keeps only what it was told. */
export interface StandIn {
  readonly target: Target;
  /** Method and path of every request that arrived, in order. */
  readonly requests: readonly string[];
  /** Idempotency keys of every POST that arrived, in order. */
  readonly keys: readonly string[];
  interfere(interference: Interference | undefined): void;
  /** Closes every connection that waits for its next request. */
  closeIdle(): void;
  stop(): Promise<void>;
}

export async function startStandIn(): Promise<StandIn> {
  let interference: Interference | undefined;
  let lastId = 1000;
  const requests: string[] = [];
  const keys: string[] = [];
  const sockets = new Set<Socket>();

  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    const key = request.headers["idempotency-key"];
    if (typeof key === "string") keys.push(key);
    request.resume();
    request.on("end", () => {
      if (interference?.(request, response)) return;
      const path = request.url ?? "";
      if (path === "/api/signup") return answer(response, 201, { user: { id: String(++lastId) } });
      if (path === "/api/posts") return answer(response, 201, { post: { id: String(++lastId) } });
      if (request.method === "GET") return answer(response, 200, {});
      response.writeHead(204).end();
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    target: { host: "127.0.0.1", port, name: "chirp.localhost" },
    requests,
    keys,
    interfere: (next) => {
      interference = next;
    },
    closeIdle: () => server.closeIdleConnections(),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json", "Set-Cookie": "chirp_session=s; HttpOnly" });
  response.end(JSON.stringify(body));
}
