import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openFolder } from "../../climb/folder.ts";
import { run } from "../../tools/run.ts";
import { temporaryFolder } from "../support/folder.ts";

describe("folder of the local stack", () => {
  const root = temporaryFolder();

  it("is made when it is not there, and opened again", async () => {
    const path = join(root, "new", "stack");
    const first = await openFolder(path, { fresh: false });
    writeFileSync(join(first.engine, "state"), "kept");
    await first.release();
    const second = await openFolder(path, { fresh: false });
    assert.ok(existsSync(join(second.engine, "state")));
    await second.release();
  });

  it("is emptied by fresh", async () => {
    const path = join(root, "old");
    const first = await openFolder(path, { fresh: false });
    writeFileSync(join(first.aws, "data"), "gone");
    writeFileSync(first.ledger, "gone");
    await first.release();
    const second = await openFolder(path, { fresh: true });
    assert.deepEqual(readdirSync(second.aws), []);
    assert.ok(!existsSync(second.ledger));
    await second.release();
  });

  for (const fresh of [true, false]) {
    it(`is never somebody else's ${fresh ? "with" : "without"} --fresh`, async () => {
      const path = join(root, `others-${fresh}`);
      mkdirSync(path);
      writeFileSync(join(path, "thesis.txt"), "years of work");
      await assert.rejects(openFolder(path, { fresh }), /has files in it and is not the folder of a local stack/);
      assert.deepEqual(readdirSync(path), ["thesis.txt"]);
    });
  }

  it("is not a file", async () => {
    const path = join(root, "file");
    writeFileSync(path, "");
    await assert.rejects(openFolder(path, { fresh: false }), /is not a folder/);
  });

  it("belongs to one runner at a time, and a second one is told which", async () => {
    const path = join(root, "claimed");
    const first = await openFolder(path, { fresh: false });
    await assert.rejects(openFolder(path, { fresh: true }), new RegExp(`Process ${process.pid} is already running`));
    await first.release();
    await (await openFolder(path, { fresh: false })).release();
  });

  it("is free again after its runner was killed", async () => {
    const path = join(root, "killed");
    const module = join(import.meta.dirname, "../../climb/folder.ts");
    const script = `import { openFolder } from ${JSON.stringify(module)};
      await openFolder(${JSON.stringify(path)}, { fresh: false });
      process.kill(process.pid, "SIGKILL");`;
    await run(process.execPath, ["--input-type=module-typescript", "--eval", script]);
    assert.ok(existsSync(join(path, "runner")));
    await (await openFolder(path, { fresh: false })).release();
  });
});
