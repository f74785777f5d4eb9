import assert from "node:assert/strict";
import { phases, plan, type Request } from "../../../phases/index.ts";
import { moveRules } from "../../../phases/moves.ts";
import { nextStep } from "../../../phases/next.ts";
import { parseRecorded, type Recorded } from "../../../phases/recorded.ts";

const request: Request = {
  phase: 1,
  edge: "alb",
  zones: ["us-east-1a", "us-east-1b"],
  ami: "ami-1",
  architecture: "arm64",
  storage: 20,
  migration: "snapshot",
  warmThroughput: undefined,
  now: "20260102030405",
};
/** What a stack at this phase has written down. */
const at = (phase: number, changes: Partial<Request> = {}): Recorded =>
  plan({ ...request, ...changes, phase }, undefined).record;
const refused = (wanted: Partial<Request>, from: Recorded, pattern: RegExp) =>
  assert.throws(() => plan({ ...request, ...wanted }, from), pattern);

describe("phases", () => {
  it("are numbered from 1, each with a way in", () => {
    assert.deepEqual(
      phases.map(({ number }) => number),
      phases.map((_, index) => index + 1),
    );
    for (const { features } of phases)
      assert.ok(features.entry === "balancer" || features.fleet === "server", "a group alone has no door");
  });

  it("say what they add", () => {
    for (const { title, gives, adds } of phases) assert.ok(title && gives && adds.length > 0);
  });
});

describe("a move", () => {
  for (const from of phases)
    for (const to of phases)
      for (const edge of ["alb", "nlb"] as const)
        it(`from ${from.number} to ${to.number} with ${edge} is legal`, () => {
          const { record, features } = plan({ ...request, phase: to.number, edge }, at(from.number, { edge }));
          assert.equal(record.phase, to.number);
          assert.equal(record.highest, Math.max(from.number, to.number));
          const { entry, fleet, nat, database } = to.features;
          assert.deepEqual(
            [features.entry, features.fleet, features.nat, features.database],
            [entry, fleet, nat, database],
          );
        });

  it("of a new stack may go to any phase", () => {
    for (const { number } of phases)
      assert.equal(plan({ ...request, phase: number }, undefined).record.highest, number);
  });

  it("keeps the birth of the stack", () => {
    assert.equal(plan({ ...request, now: "20270102030405" }, at(1)).record.born, "20260102030405");
  });

  it("records a load balancer only where there is one", () => {
    assert.equal(at(1).edge, null);
    assert.equal(at(2, { edge: "nlb" }).edge, "nlb");
  });

  it("from one kind of load balancer to the other is refused once there is one", () => {
    refused({ phase: 3, edge: "nlb" }, at(2), /has an alb.*asks for an nlb.*Fix: pulumi config set edge alb/);
    assert.equal(plan({ ...request, phase: 2, edge: "nlb" }, at(1)).record.edge, "nlb");
    assert.equal(plan({ ...request, phase: 1, edge: "nlb" }, at(2)).record.edge, null);
  });

  it("to other zones is refused, be it another order", () => {
    const zones = ["us-east-1b", "us-east-1a"];
    refused({ zones }, at(1), /lie in us-east-1a, us-east-1b.*asks for us-east-1b, us-east-1a.*Fix: /);
  });

  it("to a smaller database is refused", () => {
    refused({ storage: 20 }, at(1, { storage: 50 }), /given 50 GB.*asks for 20.*databaseStorage 50/);
    assert.equal(plan({ ...request, storage: 100 }, at(1)).record.storage, 100);
  });

  it("to another architecture is refused while there is a single server", () => {
    refused({ phase: 2, architecture: "x86_64" }, at(1), /is arm64.*asks for x86_64/);
    assert.equal(plan({ ...request, phase: 3, architecture: "x86_64" }, at(3)).record.architecture, "x86_64");
    assert.equal(plan({ ...request, phase: 3, architecture: "x86_64" }, at(2)).record.architecture, "x86_64");
  });

  it("from a phase this program doesn't know is refused", () => {
    refused({ phase: 3 }, { ...at(3), phase: 99 }, /stands at phase 99.*knows phases 1 to/);
  });

  it("that breaks several rules names them all, and says that nothing was changed", () => {
    const wanted = { ...request, phase: 3, edge: "nlb" as const, storage: 20, zones: ["us-east-1c", "us-east-1d"] };
    assert.throws(
      () => plan(wanted, at(2, { storage: 50 })),
      (error: Error) => {
        assert.equal(error.message.split("\n").length, 4);
        assert.match(error.message, /from phase 2 to phase 3.*nothing was changed/);
        return true;
      },
    );
  });

  it("to a phase that doesn't exist is refused", () => {
    assert.throws(() => plan({ ...request, phase: 7 }, undefined), /There is no phase 7/);
  });

  it("has every rule tested here or with the migration: seven, by name", () => {
    assert.deepEqual(
      moveRules.map(({ name }) => name),
      [
        "a phase this program doesn't know",
        "another kind of load balancer",
        "other availability zones",
        "a smaller database",
        "another processor architecture under a single server",
        "another way of migrating while one runs",
        "a colder table",
      ],
    );
  });
});

describe("the next step", () => {
  it("names the next phase and the commands", () => {
    const text = nextStep(plan(request, undefined), false);
    assert.match(text, /phase 2, guarded edge.*pulumi config set phase 2 && pulumi up/);
  });

  it("is none after the last phase, and destroying in teardown", () => {
    assert.match(nextStep(plan({ ...request, phase: phases.length }, undefined), false), /last phase/);
    assert.match(nextStep(plan(request, undefined), true), /pulumi destroy/);
  });
});

describe("the record", () => {
  it("is read back as it was written", () => {
    const record = at(2);
    assert.deepEqual(parseRecorded(JSON.stringify(record), "/chirp/dev/record/state"), record);
  });

  it("is refused, not guessed, when it can't be read", () => {
    assert.throws(() => parseRecorded("{", "/chirp/dev/record/state"), /\/chirp\/dev\/record\/state.*not readable/);
    assert.throws(() => parseRecorded('{"phase":1}', "/p"), /highest: .*Restore the parameter's previous version/);
  });
});
