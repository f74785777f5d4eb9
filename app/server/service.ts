import { hostname } from "node:os";
import { pino } from "pino";
import { Secrets } from "../aws/secrets.ts";
import type { PageFiles } from "../bundle.ts";
import { Passwords } from "../domain/passwords.ts";
import { openStore } from "../store/open.ts";
import { createApp } from "./app.ts";
import { StoreBackend } from "./backend.ts";
import type { Config } from "./config.ts";
import { Front } from "./front.ts";
import { atMost, live, whereToListen } from "./life.ts";
import { openMedia } from "./media.ts";
import { serve } from "./serve.ts";

/** Milliseconds for giving back what the store has granted, when everything has been answered. */
const closePatience = 3000;

/**
 * Milliseconds to wait for the store before listening. A server that replaces another shares its listening socket: it
 * must not take connections that the other could answer and it cannot. Without a database it listens all the same.
 */
const storePatience = 5000;

/** Serves people until the process is told to end. */
export async function runService(config: Config, page: PageFiles): Promise<void> {
  const hasParent = process.connected;
  const log = pino({ level: config.logLevel });
  const { database, region, tableName, frontSecret, trustedProxies, maxConnectionAge } = config;
  const secrets = new Secrets(region);
  const backend = new StoreBackend({
    open: () => openStore({ database: database && { ...database, secrets }, tableName, log }),
    holder: `${hostname()}:${process.pid}`.slice(-100),
    log,
  });
  const media = openMedia({ region, config: config.media, removals: () => backend.store, log });
  const front = frontSecret === undefined ? undefined : new Front({ read: () => secrets.readText(frontSecret), log });
  const app = createApp({ backend, passwords: new Passwords(), page, trustedProxies, front, media, log });
  await Promise.all([backend.opened(storePatience), atMost(storePatience, front?.load())]);
  media?.remover.start();
  const serving = await serve({ app, listen: whereToListen(config), maxConnectionAge });
  const close = async () => {
    await atMost(closePatience, media?.remover.close());
    await atMost(closePatience, backend.close());
  };
  live({ ...serving, hasParent, close, log });
}
