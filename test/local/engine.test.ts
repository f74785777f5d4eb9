import assert from "node:assert/strict";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { label } from "../../climb/engine/events.ts";
import { type Outcome, Pulumi } from "../../climb/engine/pulumi.ts";
import { ensurePulumi } from "../../tools/pulumi.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type LocalAwsProcess, startLocalAwsProcess } from "../support/local-aws-process.ts";
import { until } from "../support/wait.ts";

describe("provider, driven by the real engine", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const project = join(folder, "project");
  let aws: LocalAwsProcess;
  let pulumi: Pulumi;

  const startLocalAws = () => startLocalAwsProcess(join(folder, "aws"));
  const providers = () => `aws:${aws.ready.providerPort},awsx:${aws.ready.providerPort}`;

  before(async () => {
    cpSync(join(import.meta.dirname, "program"), project, { recursive: true });
    writeFileSync(join(project, "package.json"), '{ "type": "module" }');
    symlinkSync(join(import.meta.dirname, "../../node_modules"), join(project, "node_modules"));
    const engine = join(folder, "engine");
    mkdirSync(engine);
    pulumi = new Pulumi({ programs: await ensurePulumi({ report: () => {} }), project, folder: engine });
    aws = await startLocalAws();
    await command("stack", "init", "test");
  });
  after(() => aws.end("SIGTERM"));

  const command = async (...args: string[]) => {
    const { code, stderr } = await pulumi.run(args);
    assert.equal(code, 0, stderr);
  };
  const run = async (kind: "preview" | "up" | "refresh" | "destroy", steps: string): Promise<Outcome> => {
    await command("config", "set", "steps", steps);
    const args = kind === "preview" ? [kind] : kind === "up" ? [kind, "--yes", "--skip-preview"] : [kind, "--yes"];
    return (await pulumi.start(args, providers(), () => {})).finished;
  };
  const succeed = async (kind: Parameters<typeof run>[0], steps: string): Promise<Outcome> => {
    const outcome = await run(kind, steps);
    assert.ok(outcome.ok, outcome.reason);
    return outcome;
  };
  const changes = ({ progress }: Outcome) => progress.changes.map(({ op, urn }) => `${op} ${label(urn)}`).sort();

  it("lays the network out under the names that awsx gives it", async () => {
    const { progress } = await succeed("up", "");
    assert.deepEqual(progress.outputs.subnets, [
      ...["10.0.0.0/20", "10.0.16.0/20", "10.0.32.0/22"],
      ...["10.0.64.0/20", "10.0.80.0/20", "10.0.96.0/22"],
    ]);
    const made = progress.changes.map(({ urn }) => urn.split("::").slice(2).join(" "));
    const inside = "awsx:ec2:Vpc$aws:ec2/vpc:Vpc";
    for (const expected of [
      `${inside} net`,
      `${inside}$aws:ec2/internetGateway:InternetGateway net`,
      `${inside}$aws:ec2/subnet:Subnet net-public-1`,
      `${inside}$aws:ec2/subnet:Subnet$aws:ec2/routeTable:RouteTable net-app-2`,
      `${inside}$aws:ec2/subnet:Subnet$aws:ec2/routeTable:RouteTable$aws:ec2/routeTableAssociation:RouteTableAssociation net-data-2`,
      `${inside}$aws:ec2/subnet:Subnet$aws:ec2/routeTable:RouteTable$aws:ec2/route:Route net-public-1`,
    ])
      assert.ok(made.includes(expected), `${expected} is missing in\n${made.join("\n")}`);
    assert.equal(made.filter((name) => / net-data-\d$/.test(name) && name.includes("route:Route")).length, 0);
    assert.equal(progress.outputs.result, '"go"');
  });

  it("changes nothing where nothing has changed, and lets the program read what it wrote", async () => {
    const outcome = await succeed("up", "");
    assert.deepEqual(changes(outcome), []);
    assert.deepEqual(outcome.progress.outputs.found, ["one", "/tiny/release:1"]);
  });

  it("previews what the update then does, through values that are not known yet", async () => {
    const steps = "nat released moved";
    const preview = changes(await succeed("preview", steps));
    const up = await succeed("up", steps);
    assert.deepEqual(preview, changes(up));
    assert.deepEqual(
      preview.filter((change) => !change.startsWith("create ")),
      ["replace SecurityGroup servers", "update Parameter pinned", "update Parameter release"],
    );
    const added = [
      "Eip net-1",
      "Eip net-2",
      "NatGateway net-1",
      "NatGateway net-2",
      "Route net-app-1",
      "Route net-app-2",
    ];
    assert.deepEqual(
      preview.filter((change) => change.startsWith("create ")),
      added.map((name) => `create ${name}`),
    );
    assert.equal(up.progress.outputs.natGateways, 2);
  });

  it("shows the words of a failed function, and goes on from there", async () => {
    const steps = "nat released moved";
    const failed = await run("up", `${steps} fail`);
    assert.equal(failed.ok, false);
    assert.match(failed.reason, /aws:lambda\/invocation:Invocation .*: Error: the gate is shut/);
    await succeed("up", steps);
  });

  it("names a type that it does not know", async () => {
    const failed = await run("up", "nat released moved unknown");
    assert.match(failed.reason, /does not know the resource type aws:kinesis\/stream:Stream/);
  });

  it("is asked again after it was killed under the engine, and makes nothing twice", async () => {
    await command("config", "set", "steps", "nat released moved hang");
    const operation = await pulumi.start(["up", "--yes", "--skip-preview"], providers(), () => {});
    const isUnderWay = () => [...operation.progress.running].some((urn) => urn.includes("lambda/invocation"));
    await until(isUnderWay, { describe: "the gate is waited for", timeout: 60_000 });
    await aws.end("SIGKILL");
    const broken = await operation.finished;
    assert.equal(broken.ok, false);
    aws = await startLocalAws();
    const again = await succeed("up", "nat released moved");
    assert.deepEqual(
      changes(again).filter((change) => !change.includes("gate")),
      [],
    );
  });

  it("finds everything where it left it in a refresh, and destroys it", async () => {
    assert.deepEqual(changes(await succeed("refresh", "nat released moved")), []);
    const destroyed = await succeed("destroy", "nat released moved");
    assert.ok(changes(destroyed).every((change) => change.startsWith("delete ")));
  });
});
