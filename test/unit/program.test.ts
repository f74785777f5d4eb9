import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { phases } from "../../phases/index.ts";
import type { Answers, Run } from "../support/program.ts";
import { atPhase, everythingBefore, program, recorded, recordOf, recordPath } from "../support/whole-program.ts";

describe("the program", function () {
  // Each run bundles the server, the agent and the gate.
  this.timeout(20_000);

  for (const [name, phase, edge] of [
    ["phase-1", 1, "alb"],
    ["phase-2-alb", 2, "alb"],
    ["phase-2-nlb", 2, "nlb"],
    ["phase-3-alb", 3, "alb"],
    ["phase-3-nlb", 3, "nlb"],
    ["phase-4-alb", 4, "alb"],
    ["phase-4-nlb", 4, "nlb"],
    ["phase-5-alb", 5, "alb"],
    ["phase-5-nlb", 5, "nlb"],
  ] as const)
    it(`registers what ${name} did before`, async () => {
      compareWithSnapshot(name, await atPhase(phase, edge));
    });

  it("never moves a resource that stays from one phase to the next", async () => {
    const all: Run[] = [];
    for (const { number } of phases) all.push(await atPhase(number));
    const urnsByName = new Map<string, string>();
    for (const run of all)
      for (const { type, name, urn } of run.all) {
        assert.equal(urnsByName.get(`${type} ${name}`) ?? urn, urn);
        urnsByName.set(`${type} ${name}`, urn);
      }
  });

  it("changes nothing of what holds data but the standby, in any phase with any edge", async () => {
    const stateful = (run: Run) =>
      run.all
        .filter(({ protect }) => protect)
        .map(({ urn, inputs }) => [urn, { ...inputs, multiAz: undefined }] as const);
    const first = stateful(await atPhase(1));
    assert.equal(first.length, 3);
    for (const [phase, edge] of [
      [2, "alb"],
      [2, "nlb"],
      [3, "alb"],
      [3, "nlb"],
    ] as const)
      assert.deepEqual(stateful(await atPhase(phase, edge)), first);
    let before = first;
    for (const [phase, added] of [
      [4, ["chirp-media"]],
      [5, ["chirp-journal", "chirp-table"]],
    ] as const) {
      const now = stateful(await atPhase(phase));
      const isNew = ([urn]: (typeof now)[number]) => !before.some(([other]) => other === urn);
      assert.deepEqual(
        now.filter((resource) => !isNew(resource)),
        before,
      );
      assert.deepEqual(
        now
          .filter(isNew)
          .map(([urn]) => urn.split("::").at(-1))
          .sort(),
        added,
      );
      before = now;
    }
  });

  it("keeps the pictures, and nothing that serves them, on the way down from phase 4", async () => {
    const up = await atPhase(4);
    const down = await program({ "chirp:phase": "3" }, recorded({ ...recordOf(3), highest: 4 }));
    assert.deepEqual(
      down.all
        .filter(({ protect }) => protect)
        .map(({ urn }) => urn)
        .sort(),
      up.all
        .filter(({ protect }) => protect)
        .map(({ urn }) => urn)
        .sort(),
    );
    assert.deepEqual(
      down
        .of("aws:secretsmanager/secret:Secret")
        .map(({ urn }) => urn)
        .sort(),
      up
        .of("aws:secretsmanager/secret:Secret")
        .map(({ urn }) => urn)
        .sort(),
    );
    assert.equal(down.all.filter(({ type }) => type.startsWith("aws:cloudfront/")).length, 0);
    assert.equal(down.outputs.url, "http://chirp.example.com");
    const release = down.one("aws:ssm/parameter:Parameter", "chirp-release").inputs.value as string;
    assert.equal(JSON.parse(release).env.MEDIA_BUCKET, undefined);
    // Until clients have moved, everything works for those who still come through CloudFront.
    assert.equal(JSON.parse(release).env.FRONT_SECRET, "arn:chirp-front-secret");
    const waf = (run: Run) => run.one("aws:wafv2/webAcl:WebAcl", "chirp-waf").inputs;
    assert.deepEqual(waf(down), waf(up));
    assert.match(JSON.stringify(waf(up)), /notStatement.*x-chirp-front/);
    const policy = everythingBefore(down.one("aws:s3/bucketPolicy:BucketPolicy", "chirp-media-policy"), down);
    assert.ok(policy.has(down.one("aws:route53/record:Record", "chirp-record").urn));
    const rights = "chirp-servers-media-policy";
    assert.deepEqual(
      [up, down].map((run) => run.has("aws:iam/rolePolicy:RolePolicy", rights)),
      [true, false],
    );
    const state = down.one("aws:ssm/parameter:Parameter", "chirp-state");
    const before = everythingBefore(state, down);
    for (const { type, urn, name } of down.all)
      if (!type.startsWith("chirp:") && name !== "chirp-state") assert.ok(before.has(urn), `${urn} may come later`);
  });

  it("starts the single server with the same user data in phases 1 and 2", async () => {
    const userData = async (phase: number) =>
      (await atPhase(phase)).one("aws:ec2/instance:Instance", "chirp-server").inputs.userData as string;
    const text = await userData(1);
    assert.equal(await userData(2), text);
    assert.match(text, /^RELEASE=\/chirp\/dev\/release$/m);
    assert.match(text, /^REGION=us-east-1$/m);
  });

  it("pins a group's servers to the release's version", async () => {
    const { inputs } = (await atPhase(3)).one("aws:ec2/launchTemplate:LaunchTemplate", "chirp-template");
    const text = Buffer.from(inputs.userData as string, "base64").toString();
    assert.match(text, /^RELEASE=\/chirp\/dev\/release:3$/m);
  });

  it("trusts forwarded addresses behind an alb only", async () => {
    const trusted = async (phase: number, edge: "alb" | "nlb") => {
      const release = (await atPhase(phase, edge)).one("aws:ssm/parameter:Parameter", "chirp-release");
      return JSON.parse(release.inputs.value as string).env.TRUSTED_PROXIES;
    };
    assert.equal(await trusted(1, "alb"), "0");
    assert.equal(await trusted(2, "alb"), "1");
    assert.equal(await trusted(2, "nlb"), "0");
  });

  for (const phase of [2, 4, 5])
    it(`writes where the stack stands after everything else in phase ${phase}`, async () => {
      const run = await atPhase(phase);
      const state = run.one("aws:ssm/parameter:Parameter", "chirp-state");
      assert.equal(state.inputs.name, `${recordPath}/state`);
      assert.deepEqual(JSON.parse(state.inputs.value as string), recordOf(phase));
      const before = everythingBefore(state, run);
      for (const { type, urn, name } of run.all)
        if (!type.startsWith("chirp:") && name !== "chirp-state") assert.ok(before.has(urn), `${urn} may come later`);
    });

  it("counts the load balancer as ready only with its guard on", async () => {
    for (const edge of ["alb", "nlb"] as const) {
      const run = await atPhase(2, edge);
      const ready = everythingBefore(run.one("aws:lambda/invocation:Invocation", "chirp-gate-ready"), run);
      const guards = [
        ...run.of("aws:wafv2/webAclAssociation:WebAclAssociation"),
        ...run.of("aws:ec2/networkAclAssociation:NetworkAclAssociation"),
      ];
      assert.ok(guards.length > 0);
      for (const { urn } of guards) assert.ok(ready.has(urn));
    }
  });

  it("says where people enter, where the stack stands and what is next", async () => {
    const { outputs } = await atPhase(1);
    assert.equal(outputs.url, "http://chirp.example.com");
    assert.equal(outputs.entryAddress, "chirp.example.com");
    assert.equal(outputs.phase, 1);
    assert.match(outputs.next as string, /pulumi config set phase 2/);
  });

  it("gives an https address with a certificate, once there is a load balancer for it", async () => {
    const certificate = {
      "chirp:certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-4e5f",
    };
    assert.equal((await atPhase(1, "alb", certificate)).outputs.url, "http://chirp.example.com");
    assert.equal((await atPhase(2, "alb", certificate)).outputs.url, "https://chirp.example.com");
  });

  it("gives the server's address, then the load balancer's, without a name", async () => {
    const without = { "chirp:domainName": undefined, "chirp:hostedZoneId": undefined } as never;
    assert.equal((await atPhase(1, "alb", without)).outputs.url, "http://198.51.100.7");
    const run = await atPhase(2, "alb", without);
    assert.equal(run.outputs.url, "http://chirp-balancer.example");
    assert.equal(run.of("aws:route53/record:Record").length, 0);
  });

  it("lets go of what holds data in teardown", async () => {
    const run = await atPhase(3, "alb", { "chirp:teardown": "true" });
    assert.deepEqual(
      run.all.filter(({ protect }) => protect).map(({ urn }) => urn),
      [],
    );
  });

  it("looks up zones and image once, for a stack that has no record", async () => {
    const unset = { "chirp:zones": undefined, "chirp:ami": undefined } as never;
    const lookups: Answers = {
      "aws:index/getAvailabilityZones:getAvailabilityZones": () => ({
        names: ["us-east-1x", "us-east-1y", "us-east-1z"],
      }),
      "aws:ssm/getParameter:getParameter": ({ name }) => {
        assert.match(name as string, /al2023-ami-kernel-default-arm64$/);
        return { value: "ami-0fedcba9876543210" };
      },
    };
    const first = await program(unset, { ...recorded(), ...lookups });
    assert.deepEqual(first.one("awsx:ec2:Vpc", "chirp-vpc").inputs.availabilityZoneNames, ["us-east-1x", "us-east-1y"]);
    const value = first.one("aws:ssm/parameter:Parameter", "chirp-state").inputs.value as string;
    // Without the look-ups mocked: asking again would throw.
    const second = await program(unset, recorded(JSON.parse(value)));
    assert.equal(second.one("aws:ssm/parameter:Parameter", "chirp-state").inputs.value, value);
    assert.equal(second.one("aws:ec2/instance:Instance", "chirp-server").inputs.ami, "ami-0fedcba9876543210");
  });

  it("registers nothing when the configuration is wrong", async () => {
    await assert.rejects(program({ "chirp:phase": "9" }), (error: Error) => {
      assert.ok(pulumi.RunError.isInstance(error), "printed without a stack trace");
      assert.match(error.message, /chirp:phase \("9"\)/);
      return true;
    });
  });

  it("registers nothing when the move is refused", async () => {
    await assert.rejects(
      program({ "chirp:phase": "3", "chirp:edge": "nlb" }, recorded(recordOf(2))),
      (error: Error) => {
        assert.ok(pulumi.RunError.isInstance(error));
        assert.match(error.message, /has an alb/);
        return true;
      },
    );
  });

  it("uses no type whose replacements the one-machine AWS doesn't know", async () => {
    const facts = JSON.parse(readFileSync(join(import.meta.dirname, "../../local/aws/replace-on-change.json"), "utf8"));
    for (const [phase, edge] of [
      [1, "alb"],
      [2, "nlb"],
      [3, "alb"],
      [4, "alb"],
      [5, "alb"],
    ] as const)
      for (const { type } of (await atPhase(phase, edge)).all)
        if (type.startsWith("aws:")) assert.ok(type in facts, `${type} is not in local/aws/replace-on-change.json`);
  });
});

/** Compares with test/unit/snapshots/<name>.json, or writes it when UPDATE_SNAPSHOTS=1. */
function compareWithSnapshot(name: string, run: Run): void {
  const file = join(import.meta.dirname, "snapshots", `${name}.json`);
  const now = `${JSON.stringify(snapshot(run), undefined, 2)}\n`;
  if (process.env.UPDATE_SNAPSHOTS === "1") writeFileSync(file, now);
  assert.deepEqual(
    JSON.parse(now),
    JSON.parse(readFileSync(file, "utf8")),
    "If the change is meant: UPDATE_SNAPSHOTS=1 npm run test:unit, and look at the difference in git",
  );
}

/** URN → inputs and options, without what changes with the code of the service or the place of the checkout. */
function snapshot(run: Run): Record<string, unknown> {
  const entries = run.all
    .filter(({ type }) => !type.startsWith("chirp:"))
    .map(({ urn, inputs, protect, retainOnDelete, ignoreChanges }) => {
      const options = {
        ...(protect ? { protect } : {}),
        ...(retainOnDelete ? { retainOnDelete } : {}),
        ...(ignoreChanges.length > 0 ? { ignoreChanges } : {}),
      };
      const text = JSON.stringify({ inputs, ...options }, (_, value: unknown) => withoutAssets(value));
      return [urn, JSON.parse(text.replace(/[0-9a-f]{64}/g, "<sha256>"))] as const;
    })
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries);
}

function withoutAssets(value: unknown): unknown {
  if (pulumi.asset.Asset.isInstance(value)) return "<file>";
  if (pulumi.asset.Archive.isInstance(value)) return "<archive>";
  // User data is the bootstrap, which is in the repository as it is.
  if (typeof value === "string" && /^(#!\/bin\/bash|IyEvYmluL2Jhc2gK)/.test(value)) return "<bootstrap>";
  return value;
}
