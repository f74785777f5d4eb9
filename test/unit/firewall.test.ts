import assert from "node:assert/strict";
import { Firewall, type FirewallArgs } from "../../components/firewall.ts";
import { type Run, runProgram } from "../support/program.ts";

const inward = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
const outward = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule";
const firewall = (entry: FirewallArgs["entry"], https = false, migration?: FirewallArgs["migration"]) =>
  runProgram(() => void new Firewall("chirp", { vpcId: "vpc-1", entry, https, migration }));

/** Rules that let anybody in, as "group port". */
function open(run: Run): string[] {
  return run
    .of(inward)
    .filter(({ inputs }) => inputs.cidrIpv4 !== undefined)
    .map(({ inputs }) => `${inputs.securityGroupId} ${inputs.fromPort}`);
}

describe("firewall", () => {
  it("lets the world in at the server alone while that is the entry", async () => {
    assert.deepEqual(open(await firewall("server")), ["chirp-servers-group-id 80"]);
  });

  it("lets the world in at the load balancer alone once there is one", async () => {
    assert.deepEqual(open(await firewall("balancer")), ["chirp-balancer-group-id 80"]);
    assert.deepEqual(open(await firewall("balancer", true)), [
      "chirp-balancer-group-id 80",
      "chirp-balancer-group-id 443",
    ]);
  });

  it("lets the load balancer reach the servers by its group, not by addresses", async () => {
    const run = await firewall("balancer");
    const { inputs } = run.one(inward, "chirp-servers-from-balancer");
    assert.equal(inputs.securityGroupId, "chirp-servers-group-id");
    assert.equal(inputs.referencedSecurityGroupId, "chirp-balancer-group-id");
    assert.equal(inputs.cidrIpv4, undefined);
    assert.ok(run.has(outward, "chirp-balancer-to-servers"));
    const direct = await firewall("server");
    assert.ok(!direct.has(inward, "chirp-servers-from-balancer"));
    assert.ok(!direct.has(outward, "chirp-balancer-to-servers"));
  });

  it("lets servers alone reach the database, and the database nobody", async () => {
    for (const entry of ["server", "balancer"] as const) {
      const run = await firewall(entry);
      const toDatabase = run.of(inward).filter(({ inputs }) => inputs.securityGroupId === "chirp-database-group-id");
      assert.deepEqual(
        toDatabase.map(({ inputs }) => [inputs.referencedSecurityGroupId, inputs.fromPort, inputs.toPort]),
        [["chirp-servers-group-id", 3306, 3306]],
      );
      assert.ok(run.of(outward).every(({ inputs }) => inputs.securityGroupId !== "chirp-database-group-id"));
    }
  });

  it("keeps groups, their descriptions and the lasting rules through every entry", async () => {
    const groups = (run: Run) => run.of("aws:ec2/securityGroup:SecurityGroup").map(({ urn, inputs }) => [urn, inputs]);
    const [direct, guarded] = [await firewall("server"), await firewall("balancer")];
    assert.deepEqual(groups(direct), groups(guarded));
    assert.deepEqual(
      groups(direct).map(([, inputs]) => (inputs as { description: string }).description),
      ["Chirp load balancer", "Chirp servers", "Chirp database"],
      "a changed description replaces the group, which fails while it is in use",
    );
    for (const role of ["chirp-servers-to-https", "chirp-servers-to-database"])
      assert.deepEqual(direct.one(outward, role).inputs, guarded.one(outward, role).inputs);
  });

  it("lets a migration's members reach databases and HTTPS, and nobody reach them", async () => {
    const run = await firewall("balancer", false, { copy: true });
    const from = (group: string) =>
      run
        .of(outward)
        .filter(({ inputs }) => inputs.securityGroupId === group)
        .map(({ inputs }) => `${inputs.referencedSecurityGroupId ?? inputs.cidrIpv4} ${inputs.fromPort}`)
        .sort();
    const into = (group: string) =>
      run
        .of(inward)
        .filter(({ inputs }) => inputs.securityGroupId === group)
        .map(({ inputs }) => `${inputs.referencedSecurityGroupId} ${inputs.fromPort}`)
        .sort();
    assert.deepEqual(from("chirp-worker-group-id"), [
      "0.0.0.0/0 443",
      "chirp-copy-group-id 3306",
      "chirp-database-group-id 3306",
    ]);
    assert.deepEqual(from("chirp-begin-group-id"), ["0.0.0.0/0 443", "chirp-database-group-id 3306"]);
    assert.deepEqual(from("chirp-copy-group-id"), []);
    assert.deepEqual(into("chirp-worker-group-id"), []);
    assert.deepEqual(into("chirp-begin-group-id"), []);
    assert.deepEqual(into("chirp-copy-group-id"), ["chirp-worker-group-id 3306"]);
    assert.deepEqual(into("chirp-database-group-id"), [
      "chirp-begin-group-id 3306",
      "chirp-servers-group-id 3306",
      "chirp-worker-group-id 3306",
    ]);
  });

  it("has no group for a copy that isn't there, and none at all without a migration", async () => {
    const groups = async (migration?: FirewallArgs["migration"]) =>
      (await firewall("balancer", false, migration)).of("aws:ec2/securityGroup:SecurityGroup").map(({ name }) => name);
    const usual = ["chirp-balancer-group", "chirp-database-group", "chirp-servers-group"];
    assert.deepEqual((await groups()).sort(), usual);
    assert.deepEqual(
      (await groups({ copy: false })).sort(),
      [...usual, "chirp-begin-group", "chirp-worker-group"].sort(),
    );
  });
});
