import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Outcome } from "../../local/provider/operations.ts";
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

/** An archive with one file of text, as the engine sends it. */
function archive(text: string) {
  const [signature, asset] = ["4dabf18193072939515e22adb298388d", "c44067f5952c0a294b673a41bacd8c17"];
  const assets = { "index.mjs": { [signature]: asset, text } };
  return { [signature]: "0def7320c3a5731c473e5ecbe6d01bc7", assets };
}

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
    const waiting = assert.rejects(invoke({ step: "hang", again: true }), /the update was cancelled/);
    const log = join(folder, "functions", made.id, "function.log");
    await until(() => readFileSync(log, "utf8").split("asked for hang").length === 3, { describe: "it runs" });
    test.aws.cancel();
    await waiting;
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
