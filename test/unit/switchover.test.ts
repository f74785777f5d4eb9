import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { Gate } from "../../components/gate.ts";
import { Switchover, type SwitchoverArgs } from "../../components/switchover.ts";
import { type Run, runProgram } from "../support/program.ts";

const invocation = "aws:lambda/invocation:Invocation";
const recordType = "aws:route53/record:Record";
const domain = { name: "chirp.example.com", zoneId: "Z1", ttl: 60 };
const single = { kind: "server" as const, instanceId: pulumi.output("i-1") };
const group = {
  kind: "group" as const,
  name: pulumi.output("servers"),
  templateVersion: pulumi.output("7"),
  least: 2,
};
const direct = { address: pulumi.output("198.51.100.7") };
const balanced = { address: pulumi.output("lb.example"), aliasZoneId: pulumi.output("ZLB") };

function switchover(args: Partial<SwitchoverArgs> = {}): Promise<Run> {
  return runProgram(() => {
    const artifact = { path: "/somewhere/gate.mjs", sha256: "d".repeat(64) };
    const gate = new Gate("chirp", {
      artifact,
      logGroupName: "/chirp/dev/gate",
      targetGroupArn: undefined,
      hostedZoneId: undefined,
    });
    new Switchover("chirp", {
      gate,
      serving: single,
      door: direct,
      targetGroupArn: undefined,
      domain,
      settleSeconds: 120,
      after: [],
      ...args,
    });
  });
}

const request = (run: Run, name: string) => JSON.parse(run.one(invocation, name).inputs.input as string);
const behind = { door: balanced, targetGroupArn: pulumi.output("arn:targets") };

/** The gates and the record, in the order in which each waits for the one before. */
function order(run: Run): string[] {
  const steps = run.all.filter(({ type }) => type === invocation || type === recordType);
  const names: string[] = [];
  for (let left = steps; left.length > 0;) {
    const next = left.filter((step) => !left.some((other) => step.dependencies.includes(other.urn)));
    assert.equal(next.length, 1, "each step waits for exactly the one before");
    names.push(...next.map(({ name }) => name));
    left = left.filter((step) => !next.includes(step));
  }
  return names;
}

describe("switchover", () => {
  it("goes ready, record, moved, drained behind a load balancer", async () => {
    const run = await switchover(behind);
    assert.deepEqual(order(run), ["chirp-gate-ready", "chirp-record", "chirp-gate-moved", "chirp-gate-drained"]);
  });

  it("has nothing to drain without a load balancer", async () => {
    assert.deepEqual(order(await switchover()), ["chirp-gate-ready", "chirp-record", "chirp-gate-moved"]);
  });

  it("moves nothing without a name, but the gates still hold", async () => {
    const run = await switchover({ ...behind, domain: undefined });
    assert.deepEqual(order(run), ["chirp-gate-ready", "chirp-gate-drained"]);
    assert.equal(request(run, "chirp-gate-ready").host, undefined);
  });

  it("asks a single server to answer by itself", async () => {
    assert.deepEqual(request(await switchover(), "chirp-gate-ready"), {
      step: "ready",
      address: "198.51.100.7",
      host: domain.name,
      fleet: { kind: "server", instanceId: "i-1" },
    });
  });

  it("asks a group to be at its template's version and healthy behind the load balancer", async () => {
    const run = await switchover({ ...behind, serving: group });
    assert.deepEqual(request(run, "chirp-gate-ready"), {
      step: "ready",
      address: "lb.example",
      host: domain.name,
      fleet: { kind: "group", name: "servers", templateVersion: "7", least: 2 },
      targetGroupArn: "arn:targets",
    });
  });

  it("points one record first at the address, then at the load balancer, without changing its identity", async () => {
    const [one, two] = [await switchover(), await switchover(behind)];
    const [first, then] = [one.one(recordType, "chirp-record"), two.one(recordType, "chirp-record")];
    assert.equal(first.urn, then.urn);
    assert.deepEqual(first.inputs, {
      zoneId: "Z1",
      name: "chirp.example.com",
      type: "A",
      ttl: 60,
      records: ["198.51.100.7"],
    });
    assert.deepEqual(then.inputs, {
      zoneId: "Z1",
      name: "chirp.example.com",
      type: "A",
      aliases: [{ name: "lb.example", zoneId: "ZLB", evaluateTargetHealth: false }],
    });
  });

  it("waits for clients to follow the record", async () => {
    assert.deepEqual(request(await switchover(behind), "chirp-gate-moved"), {
      step: "moved",
      zoneId: "Z1",
      name: "chirp.example.com",
      target: "lb.example",
      settleSeconds: 120,
    });
  });

  it("keeps the single server when draining, and leaves a group's servers to the group", async () => {
    assert.deepEqual(request(await switchover(behind), "chirp-gate-drained").keep, ["i-1"]);
    assert.deepEqual(request(await switchover({ ...behind, serving: group }), "chirp-gate-drained").keep, []);
  });

  it("doesn't wait again for moves and drains when only the template's version changes", async () => {
    const newer = { ...group, templateVersion: pulumi.output("8") };
    const before = await switchover({ ...behind, serving: group });
    const after = await switchover({ ...behind, serving: newer });
    assert.notDeepEqual(request(before, "chirp-gate-ready"), request(after, "chirp-gate-ready"));
    for (const name of ["chirp-gate-moved", "chirp-gate-drained"])
      assert.deepEqual(request(before, name), request(after, name));
  });
});
