import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../local/process/ports.ts";
import type { Report } from "../../climb/report.ts";
import { temporaryFolder } from "../support/folder.ts";
import { allGone, type Runner, startRunner } from "../support/runner.ts";
import { until } from "../support/wait.ts";

/** One stack that is interrupted in every way there is, one after the other, and goes on each time. */
describe("interruptions", function () {
  this.timeout(180_000);
  const folder = join(temporaryFolder(), "stack");
  let port: number;
  let runner: Runner | undefined;

  before(async () => {
    port = await freePort();
  });
  afterEach(async () => {
    runner?.signal("SIGKILL");
    await allGone(folder);
  });

  function start(...args: string[]): Runner {
    // What the last engine said must not be taken for what the next one says.
    rmSync(join(folder, "engine/logs"), { recursive: true, force: true });
    runner = startRunner("--dir", folder, "--port", String(port), "--rate", "50", "--history", "0", ...args);
    return runner;
  }

  const read = (path: string) => readFileSync(join(folder, path), "utf8");

  /** Waits until the engine has begun the step, and not ended it. */
  async function inTheMiddleOf(step: string): Promise<void> {
    const { exited } = runner as Runner;
    let ended: number | null | undefined;
    void exited.then((code) => {
      ended = code;
    });
    await until(
      () => {
        assert.equal(ended, undefined, `${runner?.stdout()}${runner?.stderr()}`);
        const events = read("engine/logs/up.log").split("\n");
        const about = events.filter((line) => line.includes(`::${step}"`));
        return (
          about.some((line) => line.includes('"resourcePreEvent"')) &&
          !about.some((line) => line.includes('"resOutputsEvent"'))
        );
      },
      { timeout: 90_000, describe: `the engine is at work on ${step}` },
    );
  }

  function pidInLock(): number {
    const locks = readdirSync(join(folder, "engine/.pulumi/locks"), { recursive: true, withFileTypes: true });
    const file = locks.find(({ name }) => name.endsWith(".json"));
    assert.ok(file, "the engine has a lock");
    return JSON.parse(readFileSync(join(file.parentPath, file.name), "utf8")).pid;
  }

  function assertKept({ phases, problems }: Report): void {
    for (const { check, statefulDeleted, statefulReplaced } of phases) {
      assert.deepEqual({ statefulDeleted, statefulReplaced }, { statefulDeleted: 0, statefulReplaced: 0 });
      if (check) assert.deepEqual({ found: check.found, samples: check.samples }, { found: check.rows, samples: [] });
    }
    assert.deepEqual(problems, []);
  }

  it("Ctrl-C while it stays up stops everything it started", async () => {
    const { exited, stdout, signal } = start("--phase", "1", "--no-traffic");
    await until(() => /Chirp is at http/.test(stdout()), { timeout: 90_000, describe: "it is up" });
    const page = await fetch(`http://127.0.0.1:${port}/`);
    assert.match(await page.text(), /<html/);
    signal("SIGINT");
    assert.equal(await exited, 0);
    await allGone(folder);
  });

  it("kill -9 of the runner in the middle of an update takes everything with it, and the next start goes on", async () => {
    start("--phase", "2", "--json");
    await inTheMiddleOf("chirp-gate-moved");
    runner?.signal("SIGKILL");
    await allGone(folder);

    const { exited, report, stderr } = start("--phase", "2", "--json");
    assert.equal(await exited, 0, stderr());
    const done = await report();
    assert.deepEqual(
      done.phases.map(({ phase }) => phase),
      [2],
    );
    assertKept(done);
  });

  it("Ctrl-C in the middle of an update ends it in order, and the next start goes on", async () => {
    const { exited, signal } = start("--phase", "3", "--json");
    await inTheMiddleOf("chirp-gate-ready");
    signal("SIGINT");
    assert.equal(await exited, 130);
    await allGone(folder);
  });

  it("kill -9 of the engine in the middle of an update is told, and the next start goes on", async () => {
    const { exited, report } = start("--phase", "3", "--json");
    await inTheMiddleOf("chirp-gate-drained");
    process.kill(pidInLock(), "SIGKILL");
    assert.equal(await exited, 1);
    assert.match(
      (await report()).problems.join("\n"),
      /Phase 3 was not reached.*SIGKILL.*npm start goes on from there/s,
    );
    await allGone(folder);
  });

  it("kill -9 of the local AWS in the middle of an update is told, and the next start goes on", async () => {
    const { exited, report } = start("--phase", "3", "--json");
    await inTheMiddleOf("chirp-gate-drained");
    process.kill(JSON.parse(read("aws/lock")).pid, "SIGKILL");
    assert.equal(await exited, 1);
    assert.match((await report()).problems.join("\n"), /Phase 3 was not reached\. The local AWS has ended/);
    await allGone(folder);
  });

  it("a start after all that reaches the phase, with nothing lost and nothing left to mend", async () => {
    const { exited, report, stderr } = start("--phase", "3", "--json");
    assert.equal(await exited, 0, stderr());
    assertKept(await report());
    const again = start("--phase", "3", "--json", "--no-traffic");
    assert.equal(await again.exited, 0, again.stderr());
    assert.doesNotMatch(again.stderr(), /lock|interrupted/);
    const [only] = (await again.report()).phases;
    const { created, updated, deleted, replaced } = only as NonNullable<typeof only>;
    assert.deepEqual({ created, updated, deleted, replaced }, { created: 0, updated: 0, deleted: 0, replaced: 0 });
  });
});
