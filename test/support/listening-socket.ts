import * as net from "node:net";

/** A bound socket that processes started with its descriptor can all listen on. */
export interface ListeningSocket {
  readonly fd: number;
  readonly port: number;
  close(): void;
}

interface Handle {
  readonly fd: number;
  getsockname(out: { port?: number }): void;
  close(): void;
}

/**
 * Binds a free port without accepting from it, which `net.Server` cannot do: it would take connections that are meant
 * for the servers. Node's own cluster module makes its sockets in this way.
 */
export function listeningSocket(): ListeningSocket {
  const { _createServerHandle: create } = net as unknown as {
    _createServerHandle(host: string, port: number, type: number): Handle;
  };
  const handle = create("127.0.0.1", 0, 4);
  const address: { port?: number } = {};
  handle.getsockname(address);
  return { fd: handle.fd, port: address.port as number, close: () => handle.close() };
}
