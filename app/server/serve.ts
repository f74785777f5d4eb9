import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Connections } from "./connections.ts";

export interface ServeOptions {
  readonly app: RequestListener;
  /** Port, 0 for a free one, or the number of an inherited listening socket's file descriptor. */
  readonly listen: { port: number; host?: string } | { fd: number };
  /** Seconds after which a kept-alive connection is asked to close. */
  readonly maxConnectionAge: number;
}

/** A listening server. */
export interface Serving {
  readonly port: number;
  readonly server: Server;
  readonly connections: Connections;
}

/**
 * Milliseconds that an idle connection stays open: longer than the balancer's idle time of 60 s, so that it is the
 * balancer who closes and no request of it meets a closed connection.
 */
const keepAliveTimeout = 75_000;

/** Listens, and resolves when connections are accepted. Rejects when the port is taken. */
export async function serve({ app, listen, maxConnectionAge }: ServeOptions): Promise<Serving> {
  const server = createServer({ keepAliveTimeout, headersTimeout: 15_000, requestTimeout: 30_000 }, app);
  const connections = new Connections(server, { maxAge: maxConnectionAge * 1000 });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? portInUse(listen) : error),
    );
    server.listen(listen, resolve);
  });
  return { port: (server.address() as AddressInfo).port, server, connections };
}

function portInUse(listen: ServeOptions["listen"]): Error {
  const where = "port" in listen ? `Port ${listen.port}` : `The inherited socket ${listen.fd}`;
  return new Error(`${where} is in use by another process: stop it, or set PORT to a free port`);
}
