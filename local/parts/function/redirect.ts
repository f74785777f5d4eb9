import { Socket } from "node:net";

type Connect = (this: Socket, ...args: unknown[]) => Socket;

/**
 * Leads connections to addresses that exist only on AWS to their places on this machine.
 *
 * @param places local ports by `host:port`.
 */
export function redirectConnections(places: Readonly<Record<string, number>>): void {
  const original = Socket.prototype.connect as Connect;
  const replacement: Connect = function (...args) {
    // Node's own callers pass their arguments normalized: one array of options and callback.
    const [first] = args;
    const options = (Array.isArray(first) ? first[0] : first) as { host?: string; port?: number } | undefined;
    const local = options && places[`${options.host}:${options.port}`];
    if (options && local !== undefined) Object.assign(options, { host: "127.0.0.1", port: local, lookup: undefined });
    return Reflect.apply(original, this, args) as Socket;
  };
  Socket.prototype.connect = replacement as typeof Socket.prototype.connect;
}
