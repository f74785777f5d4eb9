import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A wire that can be cut: forwards TCP connections to another port. */
export interface TcpProxy {
  readonly port: number;
  /** Cuts every connection; returns how many there were. New ones are forwarded as before. */
  cut(): number;
  /**
   * Waits until something that the condition picks is sent to the target, lets it arrive, and cuts the connection
   * instead of delivering the answer.
   */
  loseAnswerTo(isPicked: (sent: Buffer) => boolean): Promise<void>;
  /** From now on connections are made and nothing is forwarded, either way, until it is thawed. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** @param port port to listen on; a free one when not given */
export async function startTcpProxy(target: { host: string; port: number }, port = 0): Promise<TcpProxy> {
  const clients = new Set<Socket>();
  let isFrozen = false;
  let picking: { isPicked: (sent: Buffer) => boolean; lost: () => void } | undefined;

  const server = createServer((client) => {
    const upstream = connect(target);
    let losing: (() => void) | undefined;
    const end = () => {
      clients.delete(client);
      client.destroy();
      upstream.destroy();
    };
    clients.add(client);
    if (isFrozen) client.pause();
    for (const socket of [client, upstream]) socket.on("error", end).on("close", end);
    client.on("data", (chunk) => {
      if (picking?.isPicked(chunk)) {
        losing = picking.lost;
        picking = undefined;
      }
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      if (!losing) return client.write(chunk);
      end();
      losing();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));

  const cut = () => {
    const count = clients.size;
    for (const client of clients) client.destroy();
    return count;
  };
  const hold = (hold: boolean) => {
    isFrozen = hold;
    for (const client of clients) client[hold ? "pause" : "resume"]();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    loseAnswerTo: (isPicked) => new Promise((lost) => (picking = { isPicked, lost })),
    freeze: () => hold(true),
    thaw: () => hold(false),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}
