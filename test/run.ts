// `npm test`: sets up what the tests need, runs every check and suite, and ends with "N passed, N failed".
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { browser, databaseServer, ensureProgram } from "../tools/packages.ts";
import { ensurePulumi } from "../tools/pulumi.ts";
import { lastLines, run } from "../tools/run.ts";

const root = resolve(import.meta.dirname, "..");

/** What one suite or check came to. */
interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** What went wrong, to print. */
  readonly details: readonly string[];
}

interface Job {
  readonly name: string;
  run(): Promise<Outcome>;
}

/** A test's end, as mocha's json-stream reporter writes it. */
interface Ended {
  readonly fullTitle: string;
  readonly err?: string;
  readonly stack?: string | null;
}

/** No suite takes nearly as long; one that does hangs, and that is a failure. */
const suiteLimit = 40 * 60_000;

const bin = (name: string) => join(root, "node_modules", ".bin", name);
const say = (text: string) => process.stdout.write(`${text}\n`);

function check(name: string, command: string, args: readonly string[]): Job {
  return {
    name,
    run: async () => {
      const { code, stdout, stderr } = await run(command, args, { cwd: root });
      if (code === 0) return { passed: 1, failed: 0, details: [] };
      return { passed: 0, failed: 1, details: [lastLines(stdout + stderr, 60)] };
    },
  };
}

function suite(name: string): Job {
  return {
    name,
    run: async () => {
      const args = ["--spec", `test/${name}/**/*.test.ts`, "--forbid-only", "--timeout", "10000"];
      const signal = AbortSignal.timeout(suiteLimit);
      let printed = "";
      const onOutput = (text: string) => {
        printed += text;
      };
      try {
        const { stderr } = await run(bin("mocha"), [...args, "--reporter", "json-stream"], {
          cwd: root,
          signal,
          onOutput,
        });
        return outcomeOf(printed, stderr, true);
      } catch {
        return outcomeOf(printed, "", false);
      }
    },
  };
}

/** Tests may print, too: what is not an event is kept apart. */
function eventsOf(printed: string) {
  const tests: (Ended & { readonly passed: boolean })[] = [];
  const other: string[] = [];
  let complete = false;
  for (const line of printed.split("\n")) {
    const event = /^\["(start|pass|fail|end)",\{.*\}\]$/.exec(line)?.[1];
    if (event === "pass" || event === "fail") {
      tests.push({ ...(JSON.parse(line) as [string, Ended])[1], passed: event === "pass" });
    } else if (event === "end") complete = true;
    else if (!event) other.push(line);
  }
  return { tests, other: other.join("\n"), complete };
}

function outcomeOf(printed: string, errors: string, ended: boolean): Outcome {
  const { tests, other, complete } = eventsOf(printed);
  const failed = tests.filter((test) => !test.passed);
  const passed = tests.length - failed.length;
  const details = failed.map(({ fullTitle, err, stack }) => `${fullTitle}\n${stack ?? err ?? ""}`);
  if (complete && ended) return { passed, failed: failed.length, details };
  let why = "the suite left something running";
  if (!complete && ended) why = `it broke off:\n${lastLines(other + errors, 60)}`;
  if (!complete && !ended) {
    const last = tests.at(-1)?.fullTitle ?? "none";
    why = `it did not end within ${suiteLimit / 60_000} min; the last test that ended: ${last}`;
  }
  return { passed, failed: failed.length + 1, details: [...details, why] };
}

async function report({ name, run: perform }: Job): Promise<Outcome> {
  const start = performance.now();
  const outcome = await perform();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const mark = outcome.failed === 0 ? "✓" : "✗";
  say(`${mark} ${name}: ${outcome.passed} passed, ${outcome.failed} failed (${seconds} s)`);
  for (const detail of outcome.details) say(detail.replaceAll(/^/gm, "    "));
  return outcome;
}

/** Runs the jobs in their order, so many at a time. */
async function runAll(jobs: readonly Job[], lanes: number): Promise<Outcome[]> {
  const waiting = [...jobs];
  const outcomes: Outcome[] = [];
  const lane = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) outcomes.push(await report(job));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return outcomes;
}

function suiteNames(): string[] {
  return readdirSync(join(root, "test"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "support")
    .map(({ name }) => name)
    .filter((name) =>
      readdirSync(join(root, "test", name), { recursive: true }).some((file) => `${file}`.endsWith(".test.ts")),
    );
}

async function setUp(): Promise<void> {
  await ensurePulumi({ report: say });
  if (!process.env.CHIRP_DATABASE_URL) await ensureProgram(databaseServer, { report: say });
  await ensureProgram(browser, { report: say });
}

const start = performance.now();
let passed = 0;
let failed = 0;
try {
  await setUp();
  const checks = [
    check("types", bin("tsc"), ["--noEmit"]),
    check("lint", bin("eslint"), ["."]),
    check("format", bin("prettier"), ["--check", "."]),
  ];
  const outcomes = [
    ...(await runAll(checks, availableParallelism() > 1 ? 2 : 1)),
    // Suites start databases, stacks and people who use them; what another suite took from the machine, people would feel.
    ...(await runAll(suiteNames().map(suite), 1)),
  ];
  for (const outcome of outcomes) {
    passed += outcome.passed;
    failed += outcome.failed;
  }
} catch (error) {
  say((error as Error).message);
  failed++;
}
say(`in ${((performance.now() - start) / 1000).toFixed(0)} s`);
say(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
