import type { PageFiles } from "./bundle.ts";
import { readConfig } from "./server/config.ts";
import { runService } from "./server/service.ts";

/** The page's files; the bundler puts them here. */
declare const CHIRP_PAGE: PageFiles;

try {
  await runService(readConfig(process.env), CHIRP_PAGE);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
