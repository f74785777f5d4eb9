import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildServer } from "../../app/bundle.ts";
import type { DatabaseAddress } from "../../app/store/mysql/login.ts";
import { until } from "./wait.ts";

/** A server of the real bundle in a process of its own. */
export interface ServerProcess {
  readonly process: ChildProcess;
  readonly port: number;
  readonly url: string;
  /** What it logged so far. */
  log(): string;
  /** Waits until it reaches its database. */
  ready(): Promise<void>;
  /** Sends SIGTERM and waits for the exit code. */
  stop(): Promise<number | null>;
}

export interface ServerProcessOptions {
  readonly database: Pick<DatabaseAddress, "host" | "port" | "database">;
  /** Endpoint of a Secrets Manager that has the secrets `admin` and `app`. */
  readonly secretsEndpoint: string;
  /** More variables, or others. */
  readonly env?: NodeJS.ProcessEnv;
  /** File descriptor of a listening socket to inherit. @default a port of its own */
  readonly socket?: number;
}

let bundle: Promise<string> | undefined;

/** Path of the bundled server, built once per run. */
export function bundledServer(): Promise<string> {
  bundle ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), "chirp-test-bundle-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, "server.mjs");
    writeFileSync(file, (await buildServer()).code);
    return file;
  })();
  return bundle;
}

/** Starts a server, and resolves when it listens. Stop it in an `after` hook. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const { database, secretsEndpoint, env = {}, socket } = options;
  const child = spawn(process.execPath, [await bundledServer()], {
    stdio: ["ignore", "pipe", "pipe", socket ?? "ignore", "ipc"],
    env: {
      PATH: process.env.PATH,
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsEndpoint,
      DB_HOST: database.host,
      DB_PORT: String(database.port),
      DB_NAME: database.database,
      DB_ADMIN_SECRET: "admin",
      DB_APP_SECRET: "app",
      PORT: "0",
      ...(socket === undefined ? {} : { LISTEN_FDS: "1" }),
      ...env,
    },
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk) => {
      log += chunk;
    });
  let port = 0;
  child.on("message", (message: { type: string; port: number }) => {
    if (message.type === "listening") port = message.port;
  });
  let hasClosed = false;
  child.once("close", () => {
    hasClosed = true;
  });
  await until(() => port || hasClosed, { timeout: 20_000, describe: "the server listens" });
  if (hasClosed) throw new Error(`The server exited with ${child.exitCode}: ${log}`);
  const url = `http://127.0.0.1:${port}`;
  return {
    process: child,
    port,
    url,
    log: () => log,
    ready: async () => {
      await until(async () => (await fetch(`${url}/ready`)).ok, { describe: `the server is ready; it says:\n${log}` });
    },
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
      return child.exitCode;
    },
  };
}
