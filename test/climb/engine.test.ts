import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { count, label, Progress } from "../../climb/engine/events.ts";
import { type Operation, Pulumi } from "../../climb/engine/pulumi.ts";
import { Stack } from "../../climb/engine/stack.ts";
import { ensurePulumi } from "../../tools/pulumi.ts";
import { temporaryFolder } from "../support/folder.ts";
import { until } from "../support/wait.ts";

describe("engine", function () {
  this.timeout(60_000);
  const project = join(import.meta.dirname, "../support/tiny");
  const root = temporaryFolder();
  let provider: ChildProcess;
  let providers: string;
  let programs: string;
  let stacks = 0;

  before(async () => {
    programs = await ensurePulumi({ report: () => {} });
    provider = spawn(process.execPath, [join(project, "provider.ts")], { stdio: ["ignore", "pipe", "inherit"] });
    const [port] = (await once(provider.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
    providers = `tiny:${port.toString().trim()}`;
  });
  after(() => provider.kill());

  interface Thing {
    readonly key: string;
    readonly name?: string;
    readonly value?: string;
    readonly waitFor?: string;
  }

  interface Opened {
    readonly stack: Stack;
    readonly said: string[];
    readonly folder: string;
  }

  async function open(folder = join(root, `stack-${++stacks}`)): Promise<Opened> {
    const engine = join(folder, "engine");
    mkdirSync(engine, { recursive: true });
    const pulumi = new Pulumi({ programs, project, folder: engine });
    const said: string[] = [];
    const report = (line: string) => void said.push(line);
    const stack = await Stack.open({ pulumi, project, configFolder: join(folder, "config"), folder: engine, report });
    return { stack, said, folder };
  }

  const ask = (stack: Stack, things: readonly Thing[]) => stack.configure({ "tiny:things": JSON.stringify(things) });

  async function up(stack: Stack, things: readonly Thing[]) {
    await ask(stack, things);
    const outcome = await (await stack.up(providers)).finished;
    assert.ok(outcome.ok, outcome.reason);
    return outcome.progress;
  }

  /** Begins an update whose creation of `slow` hangs; `release` lets it go on. */
  async function hangingUpdate({ stack, folder }: Opened): Promise<{ operation: Operation; release: () => void }> {
    const waitFor = join(folder, "hang");
    writeFileSync(waitFor, "");
    await ask(stack, [{ key: "quick" }, { key: "slow", waitFor }]);
    const operation = await stack.up(providers);
    const { running } = operation.progress;
    await until(() => [...running].some((urn) => urn.endsWith("::slow")), {
      timeout: 20_000,
      describe: "the slow thing is being made",
    });
    return { operation, release: () => rmSync(waitFor, { force: true }) };
  }

  it("makes a stack, and tells what an update did", async () => {
    const { stack } = await open();
    const first = await up(stack, [{ key: "a" }, { key: "b", name: "x" }, { key: "protected-c", name: "x" }]);
    assert.deepEqual(count(first.changes), {
      created: 4,
      updated: 0,
      deleted: 0,
      replaced: 0,
      statefulDeleted: 0,
      statefulReplaced: 0,
    });
    assert.deepEqual(await stack.outputs(), { made: 3 });
    const second = await up(stack, [
      { key: "b", name: "y" },
      { key: "protected-c", name: "x", value: "new" },
      { key: "d" },
    ]);
    const changes = second.changes.map(({ op, urn, stateful }) => `${op} ${label(urn)} ${stateful}`);
    assert.deepEqual(changes.toSorted(), [
      "create Thing d false",
      "delete Thing a false",
      "replace Thing b false",
      "update Thing protected-c true",
    ]);
    assert.deepEqual(
      count(
        (await up(stack, [{ key: "b", name: "y" }, { key: "protected-c", name: "x", value: "new" }, { key: "d" }]))
          .changes,
      ).updated,
      0,
    );
  });

  it("counts the replacement and the deletion of what holds data", () => {
    const progress = new Progress();
    for (const op of ["replace", "create-replacement", "delete-replaced", "delete", "update"]) {
      const metadata = { op, urn: "urn:pulumi:local::chirp::aws:rds/instance:Instance::db", old: null, new: null };
      progress.add({ resourcePreEvent: { metadata: { ...metadata, type: "aws:rds/instance:Instance" } } });
    }
    const { statefulReplaced, statefulDeleted } = count(progress.changes);
    assert.deepEqual({ statefulReplaced, statefulDeleted }, { statefulReplaced: 1, statefulDeleted: 1 });
  });

  it("doesn't count what a migration has copied, unless it is protected", () => {
    const urn = (name: string) =>
      `urn:pulumi:local::chirp::chirp:migration:Migration$aws:rds/instance:Instance::${name}`;
    const progress = new Progress();
    for (const old of [{ protect: false }, { protect: true }]) {
      const metadata = {
        op: "delete",
        urn: urn(String(old.protect)),
        type: "aws:rds/instance:Instance",
        old,
        new: null,
      };
      progress.add({ resourcePreEvent: { metadata } });
    }
    assert.equal(count(progress.changes).statefulDeleted, 1);
  });

  it("previews the changes that the update then makes", async () => {
    const { stack } = await open();
    await up(stack, [{ key: "a" }, { key: "b", name: "x" }]);
    const things = [
      { key: "b", name: "y" },
      { key: "c", value: "1" },
    ];
    await ask(stack, things);
    const preview = await (await stack.preview(providers)).finished;
    assert.ok(preview.ok, preview.reason);
    const made = await up(stack, things);
    const summary = ({ changes }: typeof made) => changes.map(({ op, urn }) => `${op} ${label(urn)}`).toSorted();
    assert.deepEqual(summary(preview.progress), summary(made));
    assert.deepEqual(summary(made), ["create Thing c", "delete Thing a", "replace Thing b"]);
  });

  it("gives the program's own error", async () => {
    const { stack } = await open();
    await stack.configure({ "tiny:things": "[]", "tiny:refuse": "on a whim" });
    const { ok, reason } = await (await stack.up(providers)).finished;
    assert.equal(ok, false);
    assert.match(reason, /this config is refused: on a whim/);
  });

  it("keeps everything between starts", async () => {
    const { stack, folder } = await open();
    await up(stack, [{ key: "a" }]);
    const again = await open(folder);
    assert.deepEqual(again.said, []);
    assert.deepEqual(await again.stack.outputs(), { made: 1 });
    assert.equal((await again.stack.config())["tiny:things"], '[{"key":"a"}]');
  });

  it("refuses a second update while one runs, which is not disturbed", async () => {
    const opened = await open();
    const { operation, release } = await hangingUpdate(opened);
    const second = await (await opened.stack.up(providers)).finished;
    assert.equal(second.ok, false);
    assert.match(second.reason, /currently locked by 1 lock/);
    release();
    assert.ok((await operation.finished).ok);
  });

  it("mends what an engine that was killed in the middle of a step left behind", async () => {
    const opened = await open();
    const { operation, release } = await hangingUpdate(opened);
    process.kill(operation.pid, "SIGKILL");
    assert.equal((await operation.finished).ok, false);
    release();
    const { stack, said } = await open(opened.folder);
    assert.match(said.join("\n"), /removing its lock/);
    assert.match(said.join("\n"), /interrupted in the middle of: creating slow/);
    const { changes, warnings } = await up(stack, [{ key: "quick" }, { key: "slow" }]);
    assert.deepEqual(changes.map(({ op, urn }) => `${op} ${label(urn)}`).toSorted(), ["create Thing slow"]);
    assert.deepEqual(warnings, []);
    assert.deepEqual((await open(opened.folder)).said, []);
  });

  it("ends after the step under way when it is asked to stop, and leaves no lock", async () => {
    const opened = await open();
    const { operation, release } = await hangingUpdate(opened);
    const stopped = operation.stop(10_000);
    release();
    await stopped;
    assert.equal((await operation.finished).ok, false);
    const { stack, said } = await open(opened.folder);
    assert.deepEqual(
      said.filter((line) => /lock/.test(line)),
      [],
    );
    await up(stack, [{ key: "quick" }, { key: "slow" }]);
  });

  it("makes the config file again when a kill came between making the stack and writing it", async () => {
    const opened = await open();
    rmSync(join(opened.folder, "config", "Pulumi.local.yaml"));
    const { stack, folder } = await open(opened.folder);
    await up(stack, [{ key: "a" }]);
    rmSync(join(folder, "config", "Pulumi.local.yaml"));
    await up((await open(folder)).stack, [{ key: "a" }]);
  });
});
