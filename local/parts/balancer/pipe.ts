import { connect, type Socket } from "node:net";
import { loopback } from "../../process/ports.ts";

/** The client's address, as rules write it. */
export function addressOf(socket: Socket): string {
  return (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
}

/** Ends a connection as a closed port does: at once, and with a reset. */
export function refuse(socket: Socket): void {
  socket.on("error", () => {});
  socket.resetAndDestroy();
}

/**
 * Joins a client's connection to a port of this machine until one side ends it. The other end sees the client's own
 * address where that is one of this machine's.
 */
export function pipe(client: Socket, port: number, ended: () => void = () => {}): Socket {
  const address = addressOf(client);
  const localAddress = address.startsWith("127.") ? address : undefined;
  const server = connect({ port, host: loopback, localAddress, allowHalfOpen: true, noDelay: true });
  client.setNoDelay(true);
  client.on("error", () => server.destroy());
  server.on("error", () => refuse(client));
  server.on("close", () => {
    client.destroy();
    ended();
  });
  client.on("close", () => server.destroy());
  client.pipe(server);
  server.pipe(client);
  return server;
}
