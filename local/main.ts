// Entry point: `node local/main.ts --dir .chirp/aws --port 8080`. Serves until it is told to stop or its parent ends.
import { appendFileSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { claim } from "../tools/claim.ts";
import { LocalAws } from "./local-aws.ts";
import { serveProvider } from "./provider/service.ts";

/** What is said once everything is up; the climb waits for it. */
export interface Ready {
  readonly type: "ready";
  /** For `PULUMI_DEBUG_PROVIDERS=aws:PORT,awsx:PORT`. */
  readonly providerPort: number;
  /** Where the AWS APIs are served. */
  readonly endpoint: string;
  /** Where the Route 53 record leads. */
  readonly entryUrl: string;
}

const { values } = parseArgs({
  options: { dir: { type: "string", default: ".chirp/aws" }, port: { type: "string", default: "8080" } },
});

async function main(): Promise<void> {
  const dir = resolve(values.dir);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const folder = await claim(join(dir, "lock"));
  if (!folder.held)
    throw new Error(
      `${dir} is in use by process ${folder.pid}. Only one local AWS can run on a folder: stop that one ` +
        `(kill ${folder.pid}), or use another folder with --dir`,
    );
  const logFile = join(dir, "local-aws.log");
  const log = (message: string) => appendFileSync(logFile, `${new Date().toISOString()} ${message}\n`);
  const aws = new LocalAws({ dir, log, port: parsePort(values.port) });

  const stopping = Promise.withResolvers<void>();
  for (const event of ["SIGTERM", "SIGINT", "SIGHUP", "disconnect"] as const) process.on(event, stopping.resolve);
  aws.once("stop", stopping.resolve);

  const started = aws.start();
  await Promise.race([started, stopping.promise]);
  const provider = await serveProvider(aws);
  const ready: Ready = { type: "ready", providerPort: provider.port, endpoint: aws.endpoint, entryUrl: aws.entryUrl };
  if (process.send) process.send(ready);
  else console.log(JSON.stringify(ready));

  await stopping.promise;
  provider.stop();
  await aws.stop();
  await folder.release();
}

function parsePort(value: string): number {
  const port = Number(value);
  if (Number.isInteger(port) && port >= 0 && port < 65536) return port;
  throw new Error(`--port is ${JSON.stringify(value)}; give a port between 1 and 65535, or 0 for a free one`);
}

main().then(
  () => process.exit(0),
  (error: Error) => {
    console.error(error.message);
    process.exit(1);
  },
);
