import type { PageFiles } from "./bundle.ts";
import { readWorkerConfig } from "./migration/config.ts";
import { runWorker } from "./migration/run.ts";
import { readConfig } from "./server/config.ts";
import { runService } from "./server/service.ts";

/** Files of the pages, people's and the migration's worker's; the bundler puts them here. */
declare const CHIRP_PAGE: PageFiles;
declare const CHIRP_MIGRATION_PAGE: PageFiles;

try {
  // One bundle for both: what is tested together is delivered together.
  if (process.env.ROLE === "migration") await runWorker(readWorkerConfig(process.env), CHIRP_MIGRATION_PAGE);
  else await runService(readConfig(process.env), CHIRP_PAGE);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
