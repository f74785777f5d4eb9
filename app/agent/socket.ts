import net from "node:net";

/** A bound socket of Node's own, as its cluster module makes them for workers to share. */
interface Handle {
  readonly fd: number;
  getsockname(address: { port?: number }): number;
  close(): void;
}
interface HandleMaker {
  _createServerHandle(address: string, port: number, addressType: 4 | 6): Handle | number;
}

/** A bound socket. */
export interface Socket {
  readonly fd: number;
  /** Whether somebody else holds it too, and goes on holding it when the agent ends. */
  readonly inherited: boolean;
  /** Kept, as collecting it would close the socket. */
  readonly handle?: unknown;
}

/**
 * The socket that every server process of this machine listens on, one after the other.
 *
 * Whoever starts the agent may hold it (systemd socket activation: descriptor 3); then nothing is refused even while
 * the agent restarts. Otherwise the agent binds the port itself. It never listens on the socket: `net.Server` would
 * also accept, and take connections away from the servers.
 *
 * @throws Error naming the port when it is taken
 */
export function listeningSocket(environment: Readonly<Record<string, string | undefined>>): Socket {
  if (environment.LISTEN_FDS === "1") return { fd: 3, inherited: true };
  const port = Number(environment.PORT ?? 80);
  // A machine without IPv6 has no "::".
  const handle = bind("::", port, 6) ?? bind("0.0.0.0", port, 4);
  if (handle === undefined) throw new Error(`Port ${port} can't be bound; is something else listening on it?`);
  return { fd: handle.fd, inherited: false, handle };
}

function bind(address: string, port: number, addressType: 4 | 6): Handle | undefined {
  const handle = (net as unknown as HandleMaker)._createServerHandle(address, port, addressType);
  if (typeof handle === "number") return undefined;
  // libuv keeps "address in use" to itself until somebody listens: the socket is simply not bound.
  const bound: { port?: number } = {};
  if (handle.getsockname(bound) === 0 && bound.port === port) return handle;
  handle.close();
  return undefined;
}
