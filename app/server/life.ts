import type { Logger } from "pino";
import type { Serving } from "./serve.ts";

/** The file descriptor that systemd's convention gives an inherited socket. */
const inheritedSocket = 3;

export interface Life extends Pick<Serving, "port" | "connections"> {
  /** Whether the process was started with a channel to its parent. */
  readonly hasParent: boolean;
  /** What is to be done when everything has been answered. */
  readonly close: () => Promise<void>;
  readonly log: Logger;
}

/** Where a process listens: on the socket that it was started with, else on a port. */
export function whereToListen(config: { readonly inheritsSocket: boolean; readonly port: number }) {
  return config.inheritsSocket ? { fd: inheritedSocket } : { port: config.port };
}

/**
 * Tells the parent that this process listens, and ends it when it is told to: by a signal, by the parent's going, or by
 * being replaced. Connections are drained before.
 */
export function live({ port, connections, hasParent, close, log }: Life): void {
  log.info({ port }, "listening");
  process.send?.({ type: "listening", port });

  let draining: Promise<void> | undefined;
  const drain = (reason: string) => {
    draining ??= (async () => {
      log.info({ reason }, "draining");
      await connections.drain();
      await close();
      log.info("drained");
      process.exit(0);
    })();
  };
  process.on("SIGTERM", () => drain("SIGTERM"));
  process.on("SIGINT", () => drain("SIGINT"));
  // Whoever started us is gone, or lets go of us.
  process.on("disconnect", () => drain("disconnect"));
  if (hasParent && !process.connected) drain("disconnect");
  process.on("message", (message: { type?: unknown }) => {
    if (message?.type !== "retire") return;
    connections.replaced();
    drain("retire");
  });
}

/** Waits for it, but no longer than this many milliseconds. */
export async function atMost(patience: number, work: Promise<void> | undefined): Promise<void> {
  await Promise.race([work, new Promise((resolve) => setTimeout(resolve, patience))]);
}
