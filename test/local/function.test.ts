import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { resourceTypes } from "../../local/aws/types/index.ts";
import { findDifference } from "../../local/provider/difference.ts";
import type { Outcome } from "../../local/provider/operations.ts";
import { archive } from "../support/archive.ts";
import { temporaryFolder } from "../support/folder.ts";
import { standInUserData, TestAws } from "../support/local-aws.ts";
import { types } from "../support/local-network.ts";
import { until } from "../support/wait.ts";

const functionType = "aws:lambda/function:Function";
const invocationType = "aws:lambda/invocation:Invocation";

const handler = `
export async function handler(event, context) {
  console.log("asked for", event.step);
  switch (event.step) {
    case "environment":
      return { region: process.env.AWS_REGION, given: process.env.GIVEN, left: context.getRemainingTimeInMillis() };
    case "whole":
      return event;
    case "pid":
      await new Promise((resolve) => setTimeout(resolve, event.wait ?? 0));
      return process.pid;
    case "fail":
      throw new TypeError("the gate is shut");
    case "exit":
      process.exit(3);
    case "hang":
      for (;;);
    case "get": {
      const response = await fetch("http://" + event.address + "/");
      return response.status;
    }
  }
}`;

const lastWords = "export const handler = (event) => { throw new Error('not yet: ' + JSON.stringify(event)); };";

describe("Lambda", function () {
  this.timeout(30_000);
  const folder = temporaryFolder();
  let test: TestAws;
  let made: Outcome;
  const inputs = {
    role: "arn:role",
    runtime: "nodejs22.x",
    handler: "index.handler",
    code: archive(handler),
    timeout: 20,
    environment: { variables: { GIVEN: "yes" } },
  };
  before(async () => {
    test = await TestAws.start(folder);
    made = await test.create(functionType, "gate", inputs);
  });
  after(() => test.stop());

  const invoke = async (event: object) => {
    const inputs = { functionName: made.id, input: JSON.stringify(event) };
    const { outputs } = await test.create(invocationType, `invocation-${JSON.stringify(event)}`, inputs);
    return JSON.parse(String(outputs.result)) as unknown;
  };

  it("runs the handler in its environment, and keeps what it prints", async () => {
    const result = (await invoke({ step: "environment" })) as Record<string, unknown>;
    assert.deepEqual([result.region, result.given], ["us-east-1", "yes"]);
    assert.ok(Number(result.left) > 15_000 && Number(result.left) <= 20_000);
    assert.match(readFileSync(join(folder, "functions", made.id, "function.log"), "utf8"), /asked for environment/);
  });

  it("keeps processes for what invokes it over and over: one for each at a time, none after a change", async () => {
    const again = async (event: object) =>
      JSON.parse(await test.aws.functions.invokeAgain(made.id, JSON.stringify(event)));
    const first: unknown = await again({ step: "pid" });
    assert.equal(await again({ step: "pid" }), first);
    const both = await Promise.all([again({ step: "pid", wait: 50 }), again({ step: "pid", wait: 50 })]);
    assert.equal(new Set(both).size, 2);
    const many = Array.from({ length: 20 }, () => again({ step: "pid", wait: 5 }));
    assert.ok(new Set(await Promise.all(many)).size < 20, "some wait for a process to be free");
    await assert.rejects(again({ step: "fail" }), { name: "TypeError", message: "the gate is shut" });
    await assert.rejects(again({ step: "exit" }), /Runtime exited without providing a reason/);
    const environment = { variables: { GIVEN: "other" } };
    made = await test.update(functionType, "gate", made, { ...inputs, environment, timeout: 1 });
    assert.equal(((await again({ step: "environment" })) as { given: string }).given, "other");
    await assert.rejects(again({ step: "hang" }), /Task timed out after 1.00 seconds/);
    assert.ok(!both.includes(await again({ step: "pid" })));
    made = await test.update(functionType, "gate", made, inputs);
  });

  it("is told of a lifecycle: made, changed in place, deleted", async () => {
    const inputs = { functionName: made.id, input: '{"step":"whole","run":1}', lifecycleScope: "CRUD" };
    const facts = resourceTypes[invocationType] ?? assert.fail();
    const changed = { ...inputs, input: '{"step":"whole","run":2}' };
    assert.deepEqual(findDifference(invocationType, facts, inputs, changed).replaces, []);
    const once = { ...changed, lifecycleScope: undefined };
    assert.deepEqual(findDifference(invocationType, facts, { ...inputs, lifecycleScope: undefined }, once).replaces, [
      "input",
    ]);
    assert.throws(() => test.check(invocationType, "list", { ...inputs, input: "[]" }), /must be a JSON object/);

    let invoked = await test.create(invocationType, "lifecycle", inputs);
    const result = () => JSON.parse(String(invoked.outputs.result)) as unknown;
    assert.deepEqual(result(), { step: "whole", run: 1, tf: { action: "create", prev_input: null } });
    const failing = { ...inputs, input: '{"step":"fail"}' };
    await assert.rejects(test.update(invocationType, "lifecycle", invoked, failing), /the gate is shut/);
    invoked = await test.update(invocationType, "lifecycle", invoked, changed);
    const tf = { action: "update", prev_input: { step: "whole", run: 1 } };
    assert.deepEqual(result(), { step: "whole", run: 2, tf });

    const stuck = await test.update(invocationType, "lifecycle", invoked, { ...inputs, input: '{"step":"last"}' });
    const last = { action: "delete", prev_input: { step: "last" } };
    await test.update(functionType, "gate", made, { ...made.inputs, code: archive(lastWords) });
    await assert.rejects(test.delete(invocationType, "lifecycle", stuck), (error: Error) =>
      error.message.endsWith(`not yet: ${JSON.stringify({ step: "last", tf: last })}`),
    );
    assert.ok(test.operations.read(invocationType, stuck.id, test.urn(invocationType, "lifecycle")));
    await test.update(functionType, "gate", made, { ...made.inputs, code: archive(handler) });
    await test.delete(invocationType, "lifecycle", stuck);
  });

  it("fails the update with the function's own words, and leaves nothing in the state", async () => {
    await assert.rejects(
      invoke({ step: "fail" }),
      /creating aws:lambda\/invocation:Invocation .*TypeError: the gate is shut$/,
    );
    assert.deepEqual(
      test.aws.registry.ofType(invocationType).filter(({ name }) => name.includes("fail")),
      [],
    );
    await assert.rejects(invoke({ step: "exit" }), /Runtime exited without providing a reason/);
  });

  it("ends a function whose time is over, even one that hangs", async () => {
    made = await test.update(functionType, "gate", made, { ...inputs, timeout: 1 });
    await assert.rejects(invoke({ step: "hang" }), /Task timed out after 1.00 seconds/);
    made = await test.update(functionType, "gate", made, inputs);
  });

  it("is not waited for any longer when the update is cancelled", async () => {
    const log = join(folder, "functions", made.id, "function.log");
    const hangs = () => readFileSync(log, "utf8").split("asked for hang").length;
    const before = hangs();
    const waiting = assert.rejects(invoke({ step: "hang", again: true }), /the update was cancelled/);
    await until(() => hangs() > before, { describe: "it runs" });
    test.aws.cancel();
    await waiting;
    const starting = assert.rejects(test.aws.functions.invoke(made.id, '{"step":"hang"}'), /the update was cancelled/);
    test.aws.cancel();
    await starting;
  });

  it("reaches public addresses of the local AWS", async () => {
    const group = await test.create(types.group, "open", { vpcId: "vpc-1" });
    const rule = { securityGroupId: group.id, ipProtocol: "-1", cidrIpv4: "0.0.0.0/0" };
    await test.create(types.ingress, "open", rule);
    const server = await test.create(types.instance, "server", {
      ami: "ami-1",
      userData: standInUserData(),
      vpcSecurityGroupIds: [group.id],
    });
    const eip = await test.create(types.eip, "address");
    await test.create(types.association, "address", { allocationId: eip.id, instanceId: server.id });
    const answers = () => fetch(`http://127.0.0.1:${test.aws.instances.localPort(server.id, 80)}/`);
    await until(async () => (await answers()).ok, { describe: "the server answers" });
    assert.equal(await invoke({ step: "get", address: eip.outputs.publicIp }), 200);
  });

  it("runs new code after an update", async () => {
    const code = archive("export const handler = () => 'new';");
    made = await test.update(functionType, "gate", made, { ...inputs, code });
    assert.equal(await invoke({ step: "new" }), "new");
  });

  it("says so when there is no such function", async () => {
    await assert.rejects(test.aws.functions.invoke("none", "{}"), /Function not found: none/);
  });
});
