import { pino } from "pino";
import type { PageFiles } from "../bundle.ts";
import { live, whereToListen } from "../server/life.ts";
import { serve } from "../server/serve.ts";
import { migratingClient } from "./client.ts";
import type { WorkerConfig } from "./config.ts";
import { createPage } from "./page/http.ts";
import { Worker } from "./worker.ts";

/** Seconds after which a kept-alive connection to the page is asked to close. */
const maxConnectionAge = 60;

/** Works on a migration, and shows how far it is, until the process is told to end. */
export async function runWorker(config: WorkerConfig, page: PageFiles): Promise<void> {
  const hasParent = process.connected;
  const log = pino({ level: config.logLevel });
  const worker = new Worker({ config, client: migratingClient({ region: config.region }), log });
  const app = createPage({ watched: worker, files: page, log });
  const serving = await serve({ app, listen: whereToListen(config), maxConnectionAge });
  worker.start();
  live({ ...serving, hasParent, close: () => worker.close(), log });
}
