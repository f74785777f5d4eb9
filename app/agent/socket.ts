import net from "node:net";

/** The call with which Node's own cluster module makes a socket that workers share. */
interface HandleMaker {
  _createServerHandle(address: string | null, port: number, addressType: number): { fd: number } | number;
}

/**
 * File descriptor of the socket that every server process of this machine listens on, one after the other.
 *
 * Whoever starts the agent may hold it (systemd socket activation: descriptor 3); then nothing is refused even while
 * the agent restarts. Otherwise the agent binds the port itself. It never listens on the socket: `net.Server` would
 * also accept, and take connections away from the servers.
 */
export function listeningSocket(environment: Readonly<Record<string, string | undefined>>): Socket {
  if (environment.LISTEN_FDS === "1") return { fd: 3, inherited: true };
  const port = Number(environment.PORT ?? 80);
  const { _createServerHandle } = net as unknown as HandleMaker;
  const handle = _createServerHandle("::", port, 6);
  const bound = typeof handle === "number" ? _createServerHandle("0.0.0.0", port, 4) : handle;
  if (typeof bound === "number") throw new Error(`Port ${port} can't be bound; is something else listening on it?`);
  return { fd: bound.fd, inherited: false, handle: bound };
}

/** A bound socket. */
export interface Socket {
  readonly fd: number;
  /** Whether somebody else holds it too, and goes on holding it when the agent ends. */
  readonly inherited: boolean;
  /** Kept, as collecting it would close the socket. */
  readonly handle?: unknown;
}
