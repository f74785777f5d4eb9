import { resolve } from "node:path";
import { phases } from "../phases/index.ts";
import { databaseServer, ensureProgram } from "../tools/packages.ts";
import { ensurePulumi } from "../tools/pulumi.ts";
import { type Aws, checkPort, startAws } from "./aws.ts";
import { climb } from "./climb.ts";
import { localConfig } from "./config.ts";
import { Pulumi } from "./engine/pulumi.ts";
import { Stack } from "./engine/stack.ts";
import { type Flags, helpText, parseFlags, UsageError } from "./flags.ts";
import { type Folder, openFolder } from "./folder.ts";
import { advice, legend, migrations, type Report, summarise, table } from "./report.ts";
import { Shutdown } from "./shutdown.ts";
import { steps } from "./steps.ts";
import { Terminal } from "./terminal.ts";
import { password } from "./traffic/person.ts";
import { View } from "./view.ts";

const project = resolve(import.meta.dirname, "..");
const highest = phases.at(-1)?.number ?? 1;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let flags: Flags;
  try {
    flags = parseFlags(args, highest);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\nnpm start -- --help shows every flag.\n`);
    return 2;
  }
  if (flags.help) {
    process.stdout.write(helpText(highest));
    return 0;
  }
  // With --json, standard output belongs to the document alone.
  const view = new View(new Terminal(flags.json ? process.stderr : process.stdout));
  const shutdown = new Shutdown((text) => view.line(text));
  // What we wait for is often in other processes, and Node ends when nothing in this one is to come.
  const alive = setInterval(() => {}, 60_000);
  try {
    return await run(flags, view, shutdown);
  } catch (error) {
    view.close();
    if (shutdown.signal.aborted) return 130;
    const { message } = error as Error;
    if (flags.json) present(summarise("", 0, [], message), flags, view);
    else process.stderr.write(`${message}\n`);
    return 1;
  } finally {
    await shutdown.end();
    clearInterval(alive);
  }
}

async function run(flags: Flags, view: View, shutdown: Shutdown): Promise<number> {
  const report = (line: string) => view.line(line);
  const { signal } = shutdown;
  if (!process.env.CHIRP_DATABASE_URL) await ensureProgram(databaseServer, { report });
  const programs = await ensurePulumi({ report, signal });
  signal.throwIfAborted();
  const folder = await openFolder(flags.dir, { fresh: flags.fresh });
  shutdown.onEnd(() => folder.release());
  await checkPort(flags.port, folder.isNew ? 0 : 8000);
  signal.throwIfAborted();

  // Registered before it is there: Ctrl-C may come while it starts.
  const starting = startAws({ dir: folder.aws, port: flags.port, log: `${folder.logs}/aws.log` });
  shutdown.onEnd(async (grace) => (await starting.catch(() => undefined))?.stop(grace));
  const aws = await starting;
  signal.throwIfAborted();
  const stack = await openStack(folder, programs, report);
  const config = await stack.config();
  const chosen = {
    ...(flags.edge && { "chirp:edge": flags.edge }),
    ...(flags.migration && { "chirp:migration": flags.migration }),
  };
  if (Object.keys(chosen).length > 0) await stack.configure(chosen);
  const standing = { recorded: number((await stack.outputs()).phase), configured: number(config["chirp:phase"]) };
  const target = flags.phase ?? Math.max(highest, standing.recorded ?? 0);
  const result = await climb({
    stack,
    aws,
    view,
    steps: steps(standing, target),
    rate: flags.traffic ? flags.rate : 0,
    ledger: folder.ledger,
    history: { scale: flags.history, file: folder.history },
    signal,
    onStarted: (stop) => shutdown.onEnd(stop),
  });
  // A choice that was refused must not stand in the way of the next start.
  if (!result.phases.some(({ ok }) => ok))
    for (const key of Object.keys(chosen)) {
      const before = config[key];
      await (before === undefined ? stack.unset(key) : stack.configure({ [key]: before }));
    }
  view.close();
  present(result, flags, view);
  if (result.ok && !flags.json && !flags.exit) await stayUp(aws, result.url, flags, view, signal);
  return result.ok ? 0 : 1;
}

async function openStack(folder: Folder, programs: string, report: (line: string) => void) {
  const pulumi = new Pulumi({ programs, project, folder: folder.engine });
  const stack = await Stack.open({ pulumi, project, configFolder: folder.config, folder: folder.engine, report });
  const known = await stack.config();
  const missing = Object.entries(localConfig).filter(([key]) => known[key] === undefined);
  if (missing.length > 0) await stack.configure(Object.fromEntries(missing));
  return stack;
}

function present(result: Report, flags: Flags, view: View): void {
  if (flags.json) {
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    return;
  }
  view.line("");
  for (const line of table(result.phases)) view.line(line);
  view.line("");
  for (const line of migrations(result.phases)) view.line(line);
  if (flags.traffic) for (const line of [...legend, ...advice(result.phases, flags.rate)]) view.line(line);
  for (const problem of result.problems) view.line(problem);
  view.line(`${result.ok ? "All as promised" : "Not as promised"}, ${result.seconds} s in all.`);
}

async function stayUp(aws: Aws, url: string, flags: Flags, view: View, signal: AbortSignal): Promise<void> {
  view.line(`\nChirp is at ${url}`);
  if (flags.traffic) view.line(`Sign in as anybody you find there; everybody's password is ${password}.`);
  view.line("Ctrl-C stops it and keeps everything; npm start goes on from there.");
  const stopped = new Promise<"stopped">((resolve) => signal.addEventListener("abort", () => resolve("stopped")));
  if ((await Promise.race([stopped, aws.exited])) !== "stopped") {
    throw new Error("The local AWS has ended by itself. npm start brings it back, with everything that was in it.");
  }
}

function number(value: unknown): number | undefined {
  const parsed = Number(value);
  return Number.isInteger(parsed) && parsed > 0 ? parsed : undefined;
}
