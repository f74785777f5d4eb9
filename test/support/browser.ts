import { access } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

const macChrome = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";

/**
 * Starts a browser that is already installed.
 *
 * @throws with the command that installs one, when there is none
 */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: await findBrowser(),
    args: [
      "--no-sandbox", // there is none for root, as in a container
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--no-first-run",
    ],
  });
}

async function findBrowser(): Promise<string> {
  const { CHIRP_BROWSER, PATH = "" } = process.env;
  const folders = [...PATH.split(delimiter), "/usr/bin"].filter(Boolean);
  const installed = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  const candidates = [...(CHIRP_BROWSER ? [CHIRP_BROWSER] : []), ...installed, macChrome];
  for (const path of candidates) if (await exists(path)) return path;
  throw new Error(
    "The browser tests need Chromium or Chrome: install it (sudo apt-get install chromium), or set CHIRP_BROWSER to its program",
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
