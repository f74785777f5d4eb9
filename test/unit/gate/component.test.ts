import assert from "node:assert/strict";
import { Gate, type GateArgs } from "../../../components/gate.ts";
import { runProgram } from "../../support/program.ts";

const artifact = { path: "/somewhere/gate.mjs", sha256: "d".repeat(64) };
const gate = (args: Partial<GateArgs> = {}) =>
  runProgram(() => {
    const all = { artifact, logGroupName: "/chirp/dev/gate", targetGroupArn: undefined, hostedZoneId: undefined };
    const made = new Gate("chirp", { ...all, ...args });
    made.wait("chirp-some-wait", { step: "drained", targetGroupArn: "arn:targets", keep: [] }, {});
  });
const statements = async (args: Partial<GateArgs>) => {
  const { inputs } = (await gate(args)).one("aws:iam/rolePolicy:RolePolicy", "chirp-gate-policy");
  return JSON.parse(inputs.policy as string).Statement as { Action: string[]; Resource: string[] }[];
};

describe("gate", () => {
  it("may wait as long as Lambda lets a function run", async () => {
    const { inputs } = (await gate()).one("aws:lambda/function:Function", "chirp-gate");
    assert.equal(inputs.timeout, 900);
    assert.equal(inputs.handler, "index.handler");
    assert.equal(inputs.runtime, "nodejs24.x");
  });

  it("looks at everything and touches nothing in a stack without load balancer and name", async () => {
    const actions = (await statements({})).flatMap(({ Action }) => Action);
    assert.ok(
      actions.every((action) => action.startsWith("logs:") || /:Describe/.test(action)),
      actions.join(),
    );
  });

  it("may put targets into and take them out of its own target group only, and read its own zone only", async () => {
    const found = await statements({ targetGroupArn: "arn:targets", hostedZoneId: "Z1" });
    const resourceOf = (action: string) => found.find(({ Action }) => Action.includes(action))?.Resource;
    for (const action of ["RegisterTargets", "DeregisterTargets"])
      assert.deepEqual(resourceOf(`elasticloadbalancing:${action}`), ["arn:targets"]);
    assert.deepEqual(resourceOf("route53:ListResourceRecordSets"), ["arn:aws:route53:::hostedzone/Z1"]);
  });

  it("asks with the request as JSON, when the function and its permissions are there", async () => {
    const run = await gate();
    const wait = run.one("aws:lambda/invocation:Invocation", "chirp-some-wait");
    assert.deepEqual(JSON.parse(wait.inputs.input as string), {
      step: "drained",
      targetGroupArn: "arn:targets",
      keep: [],
    });
    assert.ok(wait.dependencies.includes(run.one("aws:lambda/function:Function", "chirp-gate").urn));
    assert.ok(wait.dependencies.includes(run.one("aws:iam/rolePolicy:RolePolicy", "chirp-gate-policy").urn));
  });
});
