import assert from "node:assert/strict";
import type { Registration, Run } from "../../support/program.ts";
import { atPhase, everythingBefore, program, planOf, recorded } from "../../support/whole-program.ts";
import { strategies } from "../../support/migration.ts";

const edges = ["alb", "nlb"] as const;
const following = (edge: (typeof edges)[number], strategy: (typeof strategies)[number]) =>
  atPhase(5, edge, { "chirp:migration": strategy });
const ofAws = (run: Run) => run.all.filter(({ type }) => !type.startsWith("chirp:"));
const urns = (resources: readonly Registration[]) => resources.map(({ urn }) => urn).sort();
const nameOf = (urn: string) => urn.split("::").at(-1) ?? "";
/** Without the hashes of bundles: whoever works on the service while this runs makes other ones. */
const withoutHashes = (value: unknown) => JSON.parse(JSON.stringify(value).replace(/[0-9a-f]{64}/g, "<sha256>"));
/** What the engine compares to see whether a resource changes. */
const shown = ({ inputs, protect, ignoreChanges }: Registration) => withoutHashes({ inputs, protect, ignoreChanges });
const releaseOf = (run: Run) =>
  withoutHashes(JSON.parse(run.one("aws:ssm/parameter:Parameter", "chirp-release").inputs.value as string));

/** Names of what comes in phase 5, whatever the strategy. */
const always = [
  "chirp-begin",
  "chirp-begin-group",
  "chirp-begin-log",
  "chirp-begin-policy",
  "chirp-begin-role",
  "chirp-begin-run",
  "chirp-begin-to-database",
  "chirp-begin-to-https",
  "chirp-database-from-begin",
  "chirp-database-from-worker",
  "chirp-dynamodb-endpoint",
  "chirp-fanout",
  "chirp-fanout-errors",
  "chirp-fanout-failed",
  "chirp-fanout-failures",
  "chirp-fanout-late",
  "chirp-fanout-log",
  "chirp-fanout-policy",
  "chirp-fanout-role",
  "chirp-fanout-stream",
  "chirp-journal",
  "chirp-migration-dead-letters",
  "chirp-migration-differences",
  "chirp-migration-problem",
  "chirp-servers-table-policy",
  "chirp-table",
  "chirp-worker",
  "chirp-worker-group",
  "chirp-worker-log",
  "chirp-worker-policy",
  "chirp-worker-profile",
  "chirp-worker-release",
  "chirp-worker-role",
  "chirp-worker-template",
  "chirp-worker-to-database",
  "chirp-worker-to-https",
  "chirp-worker-user",
];
const ofBinlog = ["chirp-migration-lag", "chirp-migration-retention"];
const only = {
  snapshot: [
    ...ofBinlog,
    "chirp-copy-from-worker",
    "chirp-copy-group",
    "chirp-migration-copy",
    "chirp-migration-snapshot",
    "chirp-worker-to-copy",
  ],
  "dual-write": ["chirp-migration-outbox", "chirp-migration-outbox-age"],
  bulk: ofBinlog,
};

describe("the program from phase 4 to 5", function () {
  // Each run bundles the server, the agent and the functions.
  this.timeout(20_000);

  for (const edge of edges)
    for (const strategy of strategies)
      it(`adds the migration and changes nothing but what servers are told: ${edge}, ${strategy}`, async () => {
        const [four, five] = [await atPhase(4, edge), await following(edge, strategy)];
        const known = new Set(urns(ofAws(four)));
        const added = urns(ofAws(five)).filter((urn) => !known.delete(urn));
        assert.deepEqual([...known], [], "nothing goes");
        assert.deepEqual(added.map(nameOf).sort(), [...always, ...only[strategy]].sort());
        for (const before of ofAws(four)) {
          const now = five.one(before.type, before.name);
          assert.equal(now.urn, before.urn);
          if (!["chirp-release", "chirp-state", "chirp-begun"].includes(now.name))
            assert.deepEqual(shown(now), shown(before));
        }
        const { TABLE_NAME, ...env } = releaseOf(five).env;
        assert.equal(TABLE_NAME, "chirp-table-1a2b3c4");
        assert.deepEqual({ ...releaseOf(five), env }, releaseOf(four));
      });

  for (const strategy of strategies)
    it(`goes step by step: servers, begin, copy, worker, record: ${strategy}`, async () => {
      const run = await following("alb", strategy);
      const begun = run.one("aws:lambda/invocation:Invocation", "chirp-begin-run");
      const worker = run.one("aws:autoscaling/group:Group", "chirp-worker");
      const state = run.one("aws:ssm/parameter:Parameter", "chirp-state");
      const beforeBegin = everythingBefore(begun, run);
      for (const gate of ["chirp-gate-ready", "chirp-gate-moved", "chirp-gate-drained"])
        assert.ok(beforeBegin.has(run.one("aws:lambda/invocation:Invocation", gate).urn), gate);
      for (const way of ["chirp-begin-to-database", "chirp-begin-to-https", "chirp-dynamodb-endpoint"])
        assert.ok(
          [...beforeBegin].some((urn) => nameOf(urn) === way),
          way,
        );
      assert.ok(!beforeBegin.has(worker.urn));
      const beforeWorker = everythingBefore(worker, run);
      assert.ok(beforeWorker.has(begun.urn));
      if (strategy === "snapshot") {
        const copy = run.one("aws:rds/instance:Instance", "chirp-migration-copy");
        assert.ok(beforeWorker.has(copy.urn));
        assert.ok(everythingBefore(copy, run).has(begun.urn));
      }
      assert.ok(everythingBefore(state, run).has(worker.urn));
    });

  it("writes down that it begins before it makes what it could not take away again", async () => {
    const run = await following("alb", "bulk");
    const begun = run.one("aws:ssm/parameter:Parameter", "chirp-begun");
    assert.deepEqual(JSON.parse(begun.inputs.value as string), planOf(5, "alb", { migration: "bulk" }).begun);
    for (const { type, name, protect } of (await atPhase(1)).all.concat(run.all))
      if (protect && !(await atPhase(1)).has(type, name))
        assert.ok(everythingBefore(run.one(type, name), run).has(begun.urn), name);
  });

  it("keeps the tables, and pictures, of an update that failed before it could say where it stood", async () => {
    const back = await program({ "chirp:phase": "3" }, recorded(planOf(3).record, planOf(5).begun));
    for (const name of ["chirp-table", "chirp-journal"]) assert.ok(back.has("aws:dynamodb/table:Table", name));
    assert.ok(back.has("aws:s3/bucket:Bucket", "chirp-media"));
    assert.ok(!back.has("aws:lambda/invocation:Invocation", "chirp-begin-run"));
  });

  it("lets no server start before it may use the table and has a way to it", async () => {
    const run = await following("alb", "snapshot");
    const before = everythingBefore(run.one("aws:autoscaling/group:Group", "chirp-group"), run);
    for (const name of ["chirp-table", "chirp-servers-table-policy", "chirp-dynamodb-endpoint"])
      assert.ok(
        [...before].some((urn) => nameOf(urn) === name),
        name,
      );
  });

  it("leads the app subnets, and no others, through the endpoint", async () => {
    const { inputs } = (await following("alb", "bulk")).one(
      "aws:ec2/vpcEndpoint:VpcEndpoint",
      "chirp-dynamodb-endpoint",
    );
    assert.deepEqual(inputs.routeTableIds, ["table-of-app-1", "table-of-app-2"]);
    assert.equal(inputs.serviceName, "com.amazonaws.us-east-1.dynamodb");
    assert.equal(inputs.vpcEndpointType, "Gateway");
  });

  it("warms the table for bulk only", async () => {
    const warmth = async (strategy: (typeof strategies)[number]) =>
      (await following("alb", strategy)).one("aws:dynamodb/table:Table", "chirp-table").inputs.warmThroughput;
    assert.deepEqual(await warmth("bulk"), { readUnitsPerSecond: 12_000, writeUnitsPerSecond: 20_000 });
    assert.equal(await warmth("snapshot"), undefined);
    assert.equal(await warmth("dual-write"), undefined);
  });

  it("says where rows go and how to look", async () => {
    const { outputs } = await following("alb", "snapshot");
    assert.equal(outputs.tableName, "chirp-table-1a2b3c4");
    assert.equal(outputs.journalTable, "chirp-journal-1a2b3c4");
    assert.match(String(outputs.migrationPage), /aws ssm start-session/);
    assert.match(String(outputs.next), /npm run migration/);
  });
});

describe("the program from phase 5 to 4", function () {
  this.timeout(20_000);

  for (const edge of edges)
    it(`keeps both tables as they are, and nothing else of phase 5: ${edge}`, async () => {
      const five = await following(edge, "bulk");
      const { record, begun } = planOf(5, edge, { migration: "bulk" });
      const down = await program({ "chirp:phase": "4", "chirp:edge": edge }, recorded(record, begun));
      const four = await atPhase(4, edge);
      const kept = ["chirp-table", "chirp-journal"];
      assert.deepEqual(urns(ofAws(down).filter(({ name }) => !kept.includes(name))), urns(ofAws(four)));
      for (const name of kept) {
        const [before, now] = [five, down].map((run) => run.one("aws:dynamodb/table:Table", name));
        assert.ok(before && now);
        assert.equal(now.urn, before.urn);
        assert.equal(now.protect, true);
        assert.deepEqual(now.inputs, before.inputs);
      }
      assert.deepEqual(releaseOf(down), releaseOf(four));
      const { migration } = JSON.parse(down.one("aws:ssm/parameter:Parameter", "chirp-begun").inputs.value as string);
      assert.deepEqual(migration, { run: 1, strategy: "bulk", ended: true });
      assert.equal(down.outputs.tableName, "chirp-table-1a2b3c4");
      assert.ok(!("migrationPage" in down.outputs));
      assert.ok(!("tableName" in four.outputs));
    });

  it("deletes the worker first, then what it read, and tells servers last that nobody reads their notes", async () => {
    // The engine deletes whatever depends on something before that something.
    const run = await following("alb", "snapshot");
    const needs = (type: string, name: string) => [...everythingBefore(run.one(type, name), run)].map(nameOf);
    const worker = needs("aws:autoscaling/group:Group", "chirp-worker");
    for (const name of ["chirp-migration-copy", "chirp-migration-snapshot", "chirp-begin-run", "chirp-worker-policy"])
      assert.ok(worker.includes(name), name);
    assert.ok(needs("aws:rds/instance:Instance", "chirp-migration-copy").includes("chirp-begin-run"));
    const ended = needs("aws:lambda/invocation:Invocation", "chirp-begin-run");
    for (const name of ["chirp-begin", "chirp-begin-policy", "chirp-database-from-begin", "chirp-worker-user"])
      assert.ok(ended.includes(name), name);
  });
});
