import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { type Plan, plan, type Request } from "../../phases/index.ts";
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

/** What a new stack decides in its first update. */
export function planOf(phase: number, edge: "alb" | "nlb" = "alb", changes: Partial<Request> = {}): Plan {
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
  return plan({ ...request, ...changes }, undefined);
}

/** What a new stack writes down at the end of its first update. */
export function recordOf(phase: number, edge: "alb" | "nlb" = "alb"): Recorded {
  return planOf(phase, edge).record;
}

/** What SSM holds: the stack's record, if it has one. */
export const recorded = (state?: object, begun?: object): Answers => ({
  "aws:ssm/getParametersByPath:getParametersByPath": ({ path }) => {
    assert.equal(path, recordPath);
    const there = Object.entries({ state, begun }).filter(([, value]) => value !== undefined);
    return {
      names: there.map(([name]) => `${recordPath}/${name}`),
      values: there.map(([, value]) => JSON.stringify(value)),
    };
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
