import { readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Status } from "../local/endpoint/control.ts";
import { type Exit, leash } from "../local/process/leash.ts";
import { freePort, isListening } from "../local/process/ports.ts";
import { lastLines } from "../tools/run.ts";
import { tail } from "./tail.ts";
import type { DatabaseAddress } from "./traffic/check.ts";
import type { Target } from "./traffic/client.ts";

export interface AwsOptions {
  /** Folder that keeps everything between starts. */
  readonly dir: string;
  /** Port of the address that people use. */
  readonly port: number;
  /** File for what the process prints. */
  readonly log: string;
}

/** The one-machine AWS, in a process of its own. */
export interface Aws {
  /** For the engine: which provider listens where, as PULUMI_DEBUG_PROVIDERS. */
  readonly providers: string;
  /** The one address that people use, by the name that the stack has given it so far. */
  url(): Promise<string>;
  target(): Promise<Target>;
  /** What it tells about itself and its parts. */
  status(): Promise<Status>;
  /** How to reach the database as its administrator; undefined while there is none. */
  database(): Promise<DatabaseAddress | undefined>;
  /** Settles when the process has ended, whoever ended it. */
  readonly exited: Promise<Exit>;
  stop(grace?: number): Promise<void>;
}

interface Ready {
  readonly type: "ready";
  readonly providerPort: number;
  readonly endpoint: string;
}

/** The database server may need some seconds to write what it has in memory. */
const grace = 25_000;

/**
 * Starts the local AWS, which brings back what its folder recorded.
 *
 * @throws when it ends before it is ready, with the end of its log.
 */
export async function startAws({ dir, port, log }: AwsOptions): Promise<Aws> {
  await rm(log, { force: true });
  await writeFile(log, "");
  const main = fileURLToPath(new URL("../local/main.ts", import.meta.url));
  const args = [main, "--dir", dir, "--port", String(port)];
  const child = await leash({ command: process.execPath, args, log, grace });
  const ready = await waitUntilReady(log, child.exited);
  if (!ready) throw new Error(`The local AWS could not start:\n${lastLines(await readFile(log, "utf8"))}`);
  const { providerPort, endpoint } = ready;
  const status = async () => (await (await fetch(`${endpoint}/_chirp/status`)).json()) as Status;
  const url = async () => (await status()).entryUrl;
  return {
    providers: `aws:${providerPort},awsx:${providerPort}`,
    status,
    url,
    // The name resolves to this machine in every browser, but not in every system's resolver.
    target: async () => ({ host: "127.0.0.1", port, name: new URL(await url()).host }),
    database: async () => {
      const { database } = await status();
      if (!database) return undefined;
      const { host, port, adminUser, adminPassword } = database;
      return { host, port, user: adminUser, password: adminPassword, database: database.database };
    },
    exited: child.exited,
    stop: async (time) => void (await child.stop(time)),
  };
}

async function waitUntilReady(log: string, exited: Promise<unknown>): Promise<Ready | undefined> {
  for await (const line of tail(log, exited)) {
    if (!line.startsWith("{")) continue;
    try {
      const message = JSON.parse(line);
      if (message.type === "ready") return message;
    } catch {
      // a log line that only looks like ours
    }
  }
  return undefined;
}

/**
 * Makes sure that nobody else listens on the port.
 *
 * @param patience milliseconds to wait: what a killed run left behind lets go of its port within seconds.
 * @throws when somebody else keeps it.
 */
export async function checkPort(port: number, patience: number): Promise<void> {
  const deadline = performance.now() + patience;
  while (await isListening(port)) {
    if (performance.now() > deadline) {
      throw new Error(
        `Port ${port} is taken by another program. Choose another, for example: npm start -- --port ${await freePort()}`,
      );
    }
    await wait(200);
  }
}
