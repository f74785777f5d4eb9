import { connect, createServer } from "node:net";

export const loopback = "127.0.0.1";

/** A TCP port of the loopback address that nobody listens on just now. */
export function freePort(host = loopback): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/**
 * The first port from `start` on that nobody listens on. For ports that are kept: below the range from which systems
 * take ports for outgoing connections, so that none of them is in the way later.
 */
export async function freePortFrom(start: number): Promise<number> {
  for (let port = start; ; port++) {
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, loopback, () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

/** Whether something accepts connections at the address. */
export function isListening(port: number, host = loopback): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 2000 });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
    socket.once("timeout", () => done(false));
  });
}
