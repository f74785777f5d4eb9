import { createRequire } from "node:module";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ensureDynamoDBLocal } from "../../tools/dynamodb.ts";
import { type Leashed, leash } from "../process/leash.ts";
import { freePort, isListening, loopback } from "../process/ports.ts";
import { endStale } from "../process/stale.ts";

/** Amazon's own (needs Java), or dynoxide (one static binary; slows down as stream records pile up). */
export type DynamoEngine = "amazon" | "dynoxide";

export interface DynamoOptions {
  /** Folder of this emulator's own: data and log. Made when absent; its data is kept between starts. */
  readonly dir: string;
  /** TCP port on the loopback address. @default a free one */
  readonly port?: number;
  /** Whether everything is forgotten at the end; about twice as fast. @default false */
  readonly inMemory?: boolean;
  /** @default Amazon's where it can be had, else dynoxide */
  readonly engine?: DynamoEngine;
  /** Told what is fetched and what is not used. @default nobody */
  readonly report?: (line: string) => void;
}

/** A server that speaks DynamoDB's API and its streams' API at one address. Give it any region and credentials. */
export interface Dynamo {
  /** Value for `AWS_ENDPOINT_URL_DYNAMODB` and `AWS_ENDPOINT_URL_DYNAMODB_STREAMS`. */
  readonly endpoint: string;
  /** What runs; "given" is what `CHIRP_DYNAMODB_URL` names. */
  readonly engine: DynamoEngine | "given";
  /** Process id; 0 where the endpoint was given. */
  readonly pid: number;
  /** Settles when the emulator has ended, whoever ended it. */
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

/**
 * For minutes of life beside everything else on a small machine: the quick compiler and the simple collector halve the
 * processor time of a start (2.7 s to 1.3 s). The heap is bounded, or Java takes a quarter of the machine before it
 * collects anything.
 */
const javaOptions = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx768m"];

/** Milliseconds before an emulator that doesn't answer is given up; on an idle machine it takes one second. */
const patience = 60_000;

interface Command {
  readonly engine: DynamoEngine;
  readonly command: string;
  readonly args: string[];
}

/**
 * Starts a DynamoDB emulator over the data in `dir`: items and streams survive the end of the process, even by SIGKILL.
 *
 * With `CHIRP_DYNAMODB_URL=http://host:port` in the environment that endpoint is used instead.
 *
 * @throws when there is no emulator for this machine (with what to install), when the port is taken, or when it ends before it answers (with
 * the end of its log).
 */
export async function startDynamo(options: DynamoOptions): Promise<Dynamo> {
  const given = process.env.CHIRP_DYNAMODB_URL;
  if (given) return useGiven(given);
  const folder = resolve(options.dir);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "dynamodb.db");
  const pidFile = join(folder, "dynamodb.pid");
  await endStale(pidFile, file);
  const port = options.port ?? (await freePort());
  // Whoever it is would answer in the emulator's place.
  if (await isListening(port)) throw new Error(`Port ${port}, meant for the DynamoDB emulator, is taken`);
  const { engine, command, args } = await findCommand(options, port, options.inMemory ? undefined : file);
  const log = join(folder, "dynamodb.log");
  const running = await leash({ command, args, log, grace: 5000 });
  await writeFile(pidFile, `${running.pid}\n`);
  await answering(running, port, log);
  return {
    endpoint: `http://${loopback}:${port}`,
    engine,
    pid: running.pid,
    exited: running.exited,
    stop: async () => void (await running.stop()),
  };
}

async function useGiven(address: string): Promise<Dynamo> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url?.hostname || !/^https?:$/.test(url.protocol))
    throw new Error(`CHIRP_DYNAMODB_URL is ${JSON.stringify(address)}; write it as http://host:port`);
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  if (!(await isListening(port, url.hostname)))
    throw new Error(`CHIRP_DYNAMODB_URL names ${url.hostname}:${port}, but nothing accepts connections there`);
  return { endpoint: url.origin, engine: "given", pid: 0, exited: new Promise(() => {}), stop: async () => {} };
}

async function findCommand(
  { engine, report = () => {} }: DynamoOptions,
  port: number,
  file: string | undefined,
): Promise<Command> {
  const reasons: string[] = [];
  const amazon =
    engine === "dynoxide" ? undefined : await ensureDynamoDBLocal({ report: (line) => reasons.push(line) });
  if (amazon) {
    const { java, classPath, mainClass } = amazon;
    const args = [...javaOptions, "-cp", classPath, mainClass, String(port), ...(file ? [file] : [])];
    return { engine: "amazon", command: java, args };
  }
  for (const reason of reasons) report(reason);
  const dynoxide = engine === "amazon" ? undefined : findDynoxide();
  if (dynoxide) {
    const args = ["serve", "--host", loopback, "--port", String(port), ...(file ? ["--db-path", file] : [])];
    return { engine: "dynoxide", command: dynoxide, args };
  }
  throw new Error(
    `No DynamoDB emulator: ${reasons.join("; ") || "dynoxide has no binary for this system"}. Install a JDK (17 or ` +
      "newer) and Maven, or name an endpoint with CHIRP_DYNAMODB_URL=http://host:port",
  );
}

/** An optional dependency: npm installs the package that fits this system, if there is one. */
function findDynoxide(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(`@dynoxide/${process.platform}-${process.arch}/dynoxide`);
  } catch {
    return undefined;
  }
}

async function answering(running: Leashed, port: number, log: string): Promise<void> {
  let ended = false;
  void running.exited.then(() => {
    ended = true;
  });
  const deadline = performance.now() + patience;
  while (!ended && performance.now() < deadline) {
    if (await isListening(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const what = ended ? "ended at its start" : `does not answer after ${patience / 1000} seconds`;
  await running.stop();
  const lines = (await readFile(log, "utf8")).trimEnd().split("\n").slice(-8);
  throw new Error(`The DynamoDB emulator ${what}. ${log} says:\n${lines.join("\n")}`);
}
