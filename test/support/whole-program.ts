import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { plan, type Request } from "../../phases/index.ts";
import type { Recorded } from "../../phases/recorded.ts";
import { type Answers, type Registration, type Run, runProgram } from "./program.ts";

export const recordPath = "/chirp/dev/record";
const zones = ["us-east-1a", "us-east-1b"];
const usual = {
  "aws:region": "us-east-1",
  "chirp:zones": JSON.stringify(zones),
  "chirp:ami": "ami-0123456789abcdef0",
  "chirp:domainName": "chirp.example.com",
  "chirp:hostedZoneId": "Z0123456789ABC",
};

/** What a new stack writes down at the end of its first update. */
export function recordOf(phase: number, edge: "alb" | "nlb" = "alb", changes: Partial<Request> = {}): Recorded {
  const request: Request = {
    phase,
    edge,
    zones,
    ami: "ami-0123456789abcdef0",
    architecture: "arm64",
    storage: 20,
    migration: "snapshot",
    warmThroughput: undefined,
    now: "20260102030405",
  };
  return plan({ ...request, ...changes }, undefined).record;
}

/** What SSM holds: the stack's record, if it has one. */
export const recorded = (record?: object): Answers => ({
  "aws:ssm/getParametersByPath:getParametersByPath": ({ path }) => {
    assert.equal(path, recordPath);
    return record === undefined
      ? { names: [], values: [] }
      : { names: [`${recordPath}/state`], values: [JSON.stringify(record)] };
  },
});

let runs = 0;
/** The whole program, as the engine would run it. */
export function program(config: Record<string, string>, answers: Answers = recorded(recordOf(1))): Promise<Run> {
  pulumi.runtime.setAllConfig({ ...usual, ...config });
  // A module runs once; the query makes it another one.
  return runProgram(async () => (await import(`../../index.ts?run=${runs++}`)).default, answers);
}

const seen = new Map<string, Promise<Run>>();
/** The program at a phase; one that has run before is not run again. */
export function atPhase(phase: number, edge: "alb" | "nlb" = "alb", more: Record<string, string> = {}): Promise<Run> {
  const config = { "chirp:phase": String(phase), "chirp:edge": edge, ...more };
  const key = JSON.stringify(Object.entries(config).map(([name, value]) => [name, String(value)]));
  const run = seen.get(key) ?? program(config);
  seen.set(key, run);
  return run;
}

/** URNs of all that must be done before a resource, directly or through others. */
export function everythingBefore(resource: Registration, run: Run): Set<string> {
  const byUrn = new Map(run.all.map((entry) => [entry.urn, entry]));
  const seen = new Set<string>();
  const queue = [...resource.dependencies];
  for (let urn = queue.pop(); urn !== undefined; urn = queue.pop()) {
    if (seen.has(urn)) continue;
    seen.add(urn);
    queue.push(...(byUrn.get(urn)?.dependencies ?? []));
  }
  return seen;
}
