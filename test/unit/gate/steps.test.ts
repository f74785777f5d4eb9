import assert from "node:assert/strict";
import type { GateRequest } from "../../../app/functions/gate/request.ts";
import { perform } from "../../../app/functions/gate/steps.ts";
import type { Member, Target } from "../../../app/functions/gate/verdicts.ts";
import { fakePatience, fakeWorld, inTurn } from "./fake-world.ts";

const healthy = (id: string): Target => ({ id, state: "healthy" });
const starting = (id: string): Target => ({ id, state: "initial", reason: "Elb.RegistrationInProgress" });
const draining = (id: string): Target => ({ id, state: "draining" });
const member = (id: string, templateVersion = "7", lifecycle = "InService"): Member => ({
  id,
  lifecycle,
  templateVersion,
});

describe("gate ready", () => {
  const single: GateRequest = {
    step: "ready",
    address: "198.51.100.7",
    fleet: { kind: "server", instanceId: "i-1" },
  };
  const behind: GateRequest = { ...single, address: "lb.example", targetGroupArn: "arn:targets" };
  const group: GateRequest = {
    ...behind,
    fleet: { kind: "group", name: "servers", templateVersion: "7", least: 2 },
  };

  it("waits until a single server answers 200", async () => {
    const health = inTurn({ error: "connection refused" }, { status: 503 }, { status: 200 });
    const asked: string[] = [];
    const world = fakeWorld({
      health: (address) => {
        asked.push(address);
        return health();
      },
    });
    const patience = fakePatience(900);
    assert.match(await perform(single, world, patience), /answers/);
    assert.deepEqual(asked, ["198.51.100.7", "198.51.100.7", "198.51.100.7"]);
    assert.ok(patience.passed() < 5);
  });

  it("waits until the server is healthy and the load balancer answers, be it with a redirect", async () => {
    const world = fakeWorld({
      targets: inTurn([] as Target[], [starting("i-1")], [healthy("i-1")]),
      health: inTurn<{ status?: number; error?: string }>({ error: "ENOTFOUND" }, { status: 503 }, { status: 301 }),
    });
    assert.match(await perform(behind, world, fakePatience(900)), /i-1 is healthy.*status 301/);
  });

  it("puts a single server back that an update drained before it ended early", async () => {
    const put: string[] = [];
    const world = fakeWorld({
      targets: inTurn([healthy("i-2"), draining("i-1")], [healthy("i-2")], [starting("i-1")], [healthy("i-1")]),
      register: async (arn, id) => void put.push(`${arn} ${id}`),
      health: async () => ({ status: 200 }),
    });
    await perform(behind, world, fakePatience(900));
    assert.deepEqual(put, ["arn:targets i-1", "arn:targets i-1"]);
  });

  it("waits until a refresh is over and enough servers of the right version are healthy", async () => {
    const world = fakeWorld({
      members: inTurn<Member[] | undefined>(
        undefined,
        [member("i-old", "6"), member("i-1", "7", "Pending")],
        [member("i-old", "6"), member("i-1")],
        [member("i-1")],
        [member("i-1"), member("i-2")],
      ),
      newestRefresh: inTurn({ status: "InProgress", percent: 50 }, { status: "InProgress" }, { status: "Successful" }),
      targets: inTurn(
        [healthy("i-old")],
        [healthy("i-old"), starting("i-1")],
        [healthy("i-1")],
        [healthy("i-1"), healthy("i-2")],
      ),
      health: async () => ({ status: 200 }),
    });
    assert.match(await perform(group, world, fakePatience(900)), /2 of at least 2 servers of servers are healthy/);
  });

  it("fails at once, with AWS's words, when the refresh was rolled back", async () => {
    const world = fakeWorld({
      members: async () => [member("i-1", "6"), member("i-2", "6")],
      newestRefresh: async () => ({ status: "RollbackSuccessful", reason: "i-3 failed its health checks" }),
      targets: async () => [healthy("i-1"), healthy("i-2")],
    });
    const patience = fakePatience(900);
    await assert.rejects(perform(group, world, patience), (error: Error) => {
      assert.match(error.message, /2 of 2 servers are not at template version 7/);
      assert.match(error.message, /RollbackSuccessful.*i-3 failed its health checks/);
      return true;
    });
    assert.equal(patience.passed(), 0);
  });

  it("says what it waits for, what it last saw and what to do when time runs out", async () => {
    const patience = fakePatience(900);
    const world = fakeWorld({ targets: async () => [starting("i-1")] });
    await assert.rejects(perform(behind, world, patience), (error: Error) => {
      assert.match(error.message, /server i-1 to be healthy behind the load balancer/);
      assert.match(error.message, /i-1 is initial \(Elb.RegistrationInProgress\)/);
      assert.match(error.message, /run `pulumi up` again/);
      return true;
    });
    assert.ok(patience.passed() > 870 && patience.passed() < 900, "before Lambda ends the function");
  });

  it("bears errors for a minute, as a changed policy takes a moment to count", async () => {
    let failures = 20;
    const world = fakeWorld({
      targets: async () => {
        if (failures-- > 0) throw new Error("AccessDenied: not yet");
        return [healthy("i-1")];
      },
      health: async () => ({ status: 200 }),
    });
    assert.match(await perform(behind, world, fakePatience(900)), /i-1 is healthy/);
  });

  it("reports an error that stays", async () => {
    const world = fakeWorld({
      targets: async () => {
        throw new Error("AccessDenied: never");
      },
    });
    const patience = fakePatience(900);
    await assert.rejects(perform(behind, world, patience), /AccessDenied: never/);
    assert.ok(patience.passed() >= 60 && patience.passed() < 65);
  });
});

describe("gate ready, under a name", () => {
  it("asks the door for the name that clients use, before any of them is led there", async () => {
    const asked: unknown[] = [];
    const world = fakeWorld({
      targets: async () => [healthy("i-1")],
      health: async (...about) => {
        asked.push(about);
        return { status: 200 };
      },
    });
    const fleet = { kind: "server", instanceId: "i-1" } as const;
    const request = { step: "ready", address: "cdn.example", host: "chirp.example.com", fleet } as const;
    await perform({ ...request, targetGroupArn: "arn:targets" }, world, fakePatience(900));
    await perform(request, world, fakePatience(900));
    assert.deepEqual(asked, Array(2).fill(["cdn.example", "chirp.example.com"]));
  });
});

describe("gate moved", () => {
  const moved: GateRequest = {
    step: "moved",
    zoneId: "Z1",
    name: "chirp.example.com",
    target: "lb.example",
    settleSeconds: 120,
  };

  it("waits for the record, then for everybody to have followed it", async () => {
    const patience = fakePatience(900);
    const world = fakeWorld({ record: inTurn(["198.51.100.7"], ["LB.example."]) });
    assert.match(await perform(moved, world, patience), /leads to lb.example, and 120 s have passed/);
    assert.ok(patience.passed() >= 120 && patience.passed() < 122);
  });

  it("says where the record still leads", async () => {
    const world = fakeWorld({ record: async () => ["198.51.100.7"] });
    await assert.rejects(perform(moved, world, fakePatience(60)), /leads to 198.51.100.7 instead of lb.example/);
  });

  it("doesn't start to wait for longer than there is", async () => {
    const patience = fakePatience(100);
    const world = fakeWorld({ record: async () => ["lb.example"] });
    await assert.rejects(perform(moved, world, patience), /no time left to wait 120 s/);
    assert.equal(patience.passed(), 0);
  });
});

describe("gate drained", () => {
  const drained = (keep: string[]): GateRequest => ({ step: "drained", targetGroupArn: "arn:targets", keep });

  it("takes out whoever is neither wanted nor a group's, once, and waits until they are gone", async () => {
    const taken: string[][] = [];
    const world = fakeWorld({
      targets: inTurn(
        [healthy("i-old"), healthy("i-1"), healthy("i-2")],
        [draining("i-old"), healthy("i-1"), healthy("i-2")],
        [healthy("i-1"), healthy("i-2")],
      ),
      everyMember: async () => ["i-1", "i-2"],
      deregister: async (arn, ids) => {
        assert.equal(arn, "arn:targets");
        taken.push([...ids]);
      },
    });
    assert.match(await perform(drained([]), world, fakePatience(900)), /no other target is left/);
    assert.deepEqual(taken, [["i-old"]]);
  });

  it("leaves a group's servers alone when the single server comes back", async () => {
    const world = fakeWorld({
      targets: async () => [healthy("i-single"), healthy("i-1"), draining("i-2")],
      everyMember: async () => ["i-1", "i-2"],
      deregister: async () => assert.fail("nobody is to be taken out"),
    });
    await perform(drained(["i-single"]), world, fakePatience(900));
  });

  it("never takes out the last server that works", async () => {
    const world = fakeWorld({
      targets: async () => [healthy("i-old"), starting("i-1")],
      everyMember: async () => ["i-1"],
      deregister: async () => assert.fail("nobody is to be taken out"),
    });
    await assert.rejects(perform(drained([]), world, fakePatience(60)), /no wanted target is healthy yet/);
  });
});
