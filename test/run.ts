// `npm test`: sets up what the tests need, runs every check and suite, and ends with "N passed, N failed".
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { browser, databaseServer, ensureProgram } from "../tools/packages.ts";
import { ensurePulumi } from "../tools/pulumi.ts";
import { lastLines, run } from "../tools/run.ts";

const root = resolve(import.meta.dirname, "..");
const results = mkdtempSync(join(tmpdir(), "chirp-results-"));

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

/** What mocha's JSON reporter writes, as far as it is used here. */
interface MochaResults {
  readonly stats: { readonly passes: number; readonly failures: number };
  readonly failures: readonly { readonly fullTitle: string; readonly err: { message?: string; stack?: string } }[];
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
      const output = join(results, `${name}.json`);
      const args = ["--spec", `test/${name}/**/*.test.ts`, "--forbid-only", "--timeout", "10000"];
      const reporter = ["--reporter", "json", "--reporter-option", `output=${output}`];
      const signal = AbortSignal.timeout(suiteLimit);
      let printed = "";
      let ended = true;
      try {
        const { stdout, stderr } = await run(bin("mocha"), [...args, ...reporter], { cwd: root, signal });
        printed = stdout + stderr;
      } catch {
        ended = false;
      }
      return outcomeOf(output, printed, ended);
    },
  };
}

function outcomeOf(output: string, printed: string, ended: boolean): Outcome {
  let parsed: MochaResults;
  try {
    parsed = JSON.parse(readFileSync(output, "utf8"));
  } catch {
    const why = ended ? `it broke off:\n${lastLines(printed, 60)}` : `it did not end within ${suiteLimit / 60_000} min`;
    return { passed: 0, failed: 1, details: [why] };
  }
  const details = parsed.failures.map(({ fullTitle, err }) => `${fullTitle}\n${err.stack ?? err.message ?? ""}`);
  const { passes, failures } = parsed.stats;
  if (ended) return { passed: passes, failed: failures, details };
  return { passed: passes, failed: failures + 1, details: [...details, "the suite left something running"] };
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
} finally {
  rmSync(results, { recursive: true, force: true });
}
say(`in ${((performance.now() - start) / 1000).toFixed(0)} s`);
say(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
