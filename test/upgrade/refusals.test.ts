import assert from "node:assert/strict";
import { temporaryFolder } from "../support/folder.ts";
import { inWords, type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { until } from "../support/wait.ts";

describe("refusals, each before anything changes", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  let local: LocalStack;

  before(async () => {
    local = await startLocalStack(folder);
    const made = await local.up(2);
    assert.ok(made.ok, made.reason);
  });
  after(() => local?.stop());

  /** Tries an update with other config values, and puts the old ones back. */
  async function refused(values: Readonly<Record<string, string>>, phase = 2): Promise<string> {
    const before = await local.stack.config();
    await local.stack.configure(values);
    const { ok, progress, reason } = await local.up(phase);
    for (const key of Object.keys(values)) {
      if (before[key] === undefined) await local.stack.unset(key);
      else await local.stack.configure({ [key]: before[key] });
    }
    assert.equal(ok, false, "it was not refused");
    // The stack itself is always announced; no other resource may be.
    assert.deepEqual(inWords(progress.changes), []);
    assert.doesNotMatch(reason, /^\s+at .+:\d+:\d+/m, "no stack trace");
    return reason;
  }

  it("an nlb in place of an alb", async () => {
    assert.match(await refused({ "chirp:edge": "nlb" }), /the stack has an alb and chirp:edge asks for an nlb.*Fix: /s);
  });

  it("other zones", async () => {
    const zones = { "chirp:zones": '["us-east-1c","us-east-1d"]' };
    assert.match(await refused(zones), /the stack's subnets lie in .* subnets cannot move.*Fix: /s);
  });

  it("a smaller database", async () => {
    await local.stack.configure({ "chirp:databaseStorage": "40" });
    const grown = await local.up(2);
    assert.ok(grown.ok, grown.reason);
    assert.match(await refused({ "chirp:databaseStorage": "20" }), /RDS cannot shrink/);
  });

  it("a phase that there isn't", async () => {
    assert.match(await refused({}, 9), /chirp:phase \("9"\): allowed: 1 .*Fix: /);
    await local.stack.configure({ "chirp:phase": 2 });
  });

  it("a wrong config, with everything that is wrong at once", async () => {
    const reason = await refused({
      "chirp:blockedIps": '["10.0.0.1/8"]',
      "chirp:minServers": "1",
      "chirp:egde": "alb",
    });
    assert.match(reason, /blockedIps.*minServers|minServers.*blockedIps/s);
    assert.match(reason, /did you mean edge\?/);
  });

  it("a second update while one runs, which ends well", async () => {
    await local.stack.configure({ "chirp:phase": 3 });
    const first = await local.stack.up(local.aws.providers);
    await until(() => first.progress.running.size > 0, { timeout: 30_000, describe: "the first update is under way" });
    const second = await (await local.stack.up(local.aws.providers)).finished;
    // The first is awaited before anything is asserted, or what fails here would fail the next test too.
    const { ok, reason } = await first.finished;
    assert.ok(ok, reason);
    assert.equal(second.ok, false);
    assert.match(second.reason, /currently locked by 1 lock/);
    assert.deepEqual(inWords(second.progress.changes), []);
  });

  it("leave a stack that works: the same update changes nothing", async () => {
    const again = await local.up(3);
    assert.ok(again.ok, again.reason);
    assert.deepEqual(inWords(again.progress.changes), []);
  });
});
