// Entry point: `npm run migration -- status | verify | repair | pause | resume`.
import { setTimeout as pause } from "node:timers/promises";
import type { OpenJournal } from "../../app/migration/journal.ts";
import { duration, migrationLines, totalOf } from "../../app/migration/lines.ts";
import type { Command, DeadLetter, MigrationStatus } from "../../app/migration/model.ts";
import { mismatches } from "../../app/migration/verify/verify.ts";
import { AppError } from "../../app/domain/errors.ts";
import { Terminal } from "../../climb/terminal.ts";
import { type Flags, helpText, parseFlags, UsageError } from "./flags.ts";
import { findJournal } from "./place.ts";

/** Milliseconds between two looks, and after which a worker that did nothing is not expected to. */
const interval = 500;
const patience = 30_000;

/** Rows of each list that are printed; --json has them all. */
const listed = 20;

/** Seconds without news of a worker, which writes every second. */
const silence = 30;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let flags: Flags;
  try {
    flags = parseFlags(args, process.env);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\nnpm run migration -- --help shows every command and flag.\n`);
    return 2;
  }
  if (flags.help) {
    process.stdout.write(helpText);
    return 0;
  }
  try {
    return await run(flags);
  } catch (error) {
    process.stderr.write(`${reasonOf(error)}\n`);
    return 1;
  }
}

async function run(flags: Flags): Promise<number> {
  const journal = await findJournal(flags);
  // With --json, standard output belongs to the documents alone.
  const terminal = new Terminal(flags.json ? process.stderr : process.stdout);
  switch (flags.command) {
    case "status":
      return flags.watch ? watch(journal, terminal, flags) : show(journal, await statusOf(journal), flags);
    case "pause":
    case "resume":
      await askAndWait(journal, flags.command);
      return show(journal, await settled(journal, ({ paused }) => paused === (flags.command === "pause")), flags);
    default:
      return verdict(journal, terminal, flags.command, flags);
  }
}

/** Asks for a verification, maybe after a repair, and waits for its result. */
async function verdict(journal: OpenJournal, terminal: Terminal, command: Command, flags: Flags): Promise<number> {
  if ((await statusOf(journal)).paused)
    throw new Error("The worker is paused, and would not begin: npm run migration -- resume");
  await askAndWait(journal, command);
  // The latest verification is forgotten with the command: what is there from now on is of the new one.
  let status: MigrationStatus;
  for (;;) {
    const [isRepairing, found] = await Promise.all([
      journal.get<boolean>("repair"),
      journal.get<MigrationStatus["verification"]>("verification"),
    ]);
    status = await statusOf(journal);
    terminal.live([...migrationLines(status), ...silenceOf(status)]);
    const shown = status.verification.finishedAt;
    if (!isRepairing && found && found.finishedAt !== null && found.finishedAt === shown) break;
    await pause(interval);
  }
  terminal.live([]);
  await show(journal, status, flags);
  return totalOf(status.verification.differences) === 0 && status.deadLetters === 0 ? 0 : 1;
}

async function watch(journal: OpenJournal, terminal: Terminal, { json }: Flags): Promise<number> {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  let told = "";
  while (!stop.signal.aborted) {
    const status = await statusOf(journal);
    const lines = [...migrationLines(status), ...silenceOf(status)];
    const news = JSON.stringify([status.stage, status.paused, status.problem]);
    if (json) process.stdout.write(`${JSON.stringify(status)}\n`);
    else if (terminal.moving) terminal.live(lines);
    else if (news !== told) for (const line of lines) terminal.line(line);
    told = news;
    await pause(2 * interval, undefined, { signal: stop.signal }).catch(() => {}); // Ctrl-C
  }
  return 0;
}

async function show(journal: OpenJournal, status: MigrationStatus, { json }: Flags): Promise<number> {
  const letters = [...(await journal.list<DeadLetter>("dead/")).values()];
  const different = await mismatches(journal);
  const silent = silenceOf(status);
  if (json) process.stdout.write(`${JSON.stringify({ ...status, letters, mismatches: different }, null, 2)}\n`);
  else {
    const lists = [
      ...letters.slice(0, listed).map(({ key, kind, reason }) => `    ${key}: ${kind}, ${reason}`),
      ...different.slice(0, listed).map(({ key, kind }) => `    ${key}: ${kind}`),
    ];
    process.stdout.write(`${[...migrationLines(status), ...lists, ...silent].join("\n")}\n`);
  }
  return status.stage === "failed" || silent.length > 0 ? 1 : 0;
}

async function askAndWait(journal: OpenJournal, command: Command): Promise<void> {
  const id = await journal.ask(command);
  const deadline = performance.now() + patience;
  while ((await journal.get(`command/${id}`)) !== undefined) {
    if (performance.now() > deadline)
      throw new Error(
        `The worker has not taken up ${command} within ${patience / 1000} s. It will when it runs: is its machine up?`,
      );
    await pause(interval / 2);
  }
}

/** The status as soon as it shows what has been asked for. */
async function settled(journal: OpenJournal, shows: (status: MigrationStatus) => boolean): Promise<MigrationStatus> {
  const deadline = performance.now() + patience;
  for (;;) {
    const status = await statusOf(journal);
    if (shows(status) || performance.now() > deadline) return status;
    await pause(interval / 2);
  }
}

async function statusOf(journal: OpenJournal): Promise<MigrationStatus> {
  const status = await journal.get<MigrationStatus>("status");
  if (!status) throw new Error("The worker has begun but not told anything yet: look again in a moment.");
  return status;
}

function silenceOf({ updatedAt }: MigrationStatus): string[] {
  const seconds = (Date.now() - Date.parse(updatedAt)) / 1000;
  return seconds > silence ? [`  ! Nothing has been heard of the worker for ${duration(seconds)}: is it running?`] : [];
}

function reasonOf(error: unknown): string {
  const { name, message, cause } = error as Error;
  // What the table's access gives up on carries the reason as its cause.
  if (error instanceof AppError && cause instanceof Error) return `DynamoDB cannot be reached: ${cause.message}`;
  if (name === "CredentialsProviderError") return `There are no AWS credentials here: ${message}`;
  return message;
}
