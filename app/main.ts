import { hostname } from "node:os";
import { pino } from "pino";
import { Secrets } from "./aws/secrets.ts";
import type { PageFiles } from "./bundle.ts";
import { Passwords } from "./domain/passwords.ts";
import { createApp } from "./server/app.ts";
import { StoreBackend } from "./server/backend.ts";
import { type Config, readConfig } from "./server/config.ts";
import { Front } from "./server/front.ts";
import { openMedia } from "./server/media.ts";
import { serve } from "./server/serve.ts";
import { openMysql } from "./store/mysql/open.ts";

/** The page's files; the bundler puts them here. */
declare const CHIRP_PAGE: PageFiles;

/** Milliseconds for giving back what the store has granted, when everything has been answered. */
const closePatience = 3000;

/** The file descriptor that systemd's convention gives an inherited socket. */
const inheritedSocket = 3;

/**
 * Milliseconds to wait for the store before listening. A server that replaces another shares its listening socket: it
 * must not take connections that the other could answer and it cannot. Without a database it listens all the same.
 */
const storePatience = 5000;

async function main(config: Config): Promise<void> {
  const hasParent = process.connected;
  const log = pino({ level: config.logLevel });
  const { database, region, adminSecret, appSecret, frontSecret, trustedProxies, maxConnectionAge } = config;
  const secrets = new Secrets(region);
  const backend = new StoreBackend({
    open: () => openMysql({ address: database, secrets, adminSecret, appSecret }),
    holder: `${hostname()}:${process.pid}`.slice(-100),
    log,
  });
  const media = openMedia({ region, config: config.media, removals: () => backend.store, log });
  const front = frontSecret === undefined ? undefined : new Front({ read: () => secrets.readText(frontSecret), log });
  const app = createApp({ backend, passwords: new Passwords(), page: CHIRP_PAGE, trustedProxies, front, media, log });
  await Promise.all([backend.opened(storePatience), atMost(storePatience, front?.load())]);
  media?.remover.start();
  const listen = config.inheritsSocket ? { fd: inheritedSocket } : { port: config.port };
  const { port, connections } = await serve({ app, listen, maxConnectionAge });
  log.info({ port }, "listening");
  process.send?.({ type: "listening", port });

  let draining: Promise<void> | undefined;
  const drain = (reason: string) => {
    draining ??= (async () => {
      log.info({ reason }, "draining");
      await connections.drain();
      await atMost(closePatience, media?.remover.close());
      await atMost(closePatience, backend.close());
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
async function atMost(patience: number, work: Promise<void> | undefined): Promise<void> {
  await Promise.race([work, new Promise((resolve) => setTimeout(resolve, patience))]);
}

try {
  await main(readConfig(process.env));
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
