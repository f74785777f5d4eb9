import assert from "node:assert/strict";
import { readWorkerConfig } from "../../../app/migration/config.ts";
import { migration, needs, strategies } from "../../support/migration.ts";
import { permissionsOf } from "../../support/policies.ts";
import type { Run } from "../../support/program.ts";

const groupType = "aws:autoscaling/group:Group";
const releaseOf = (run: Run) => {
  const { inputs } = run.one("aws:ssm/parameter:Parameter", "chirp-worker-release");
  return { name: inputs.name, ...JSON.parse(inputs.value as string) };
};

describe("the worker", () => {
  for (const strategy of strategies)
    it(`is told what it takes for a configuration: ${strategy}`, async () => {
      const { env } = releaseOf(await migration(strategy));
      const { ROLE, ...known } = env as Record<string, string>;
      assert.equal(ROLE, "migration");
      const config = readWorkerConfig(known);
      assert.deepEqual([config.run, config.strategy, config.stack], [3, strategy, "dev"]);
      assert.equal(config.secret, "arn:chirp-worker-user");
      assert.equal(config.tableName, "chirp-table-1a2b3c4");
      assert.equal(config.journalTable, "chirp-journal-1a2b3c4");
      assert.equal(config.primary.host, "chirp-database.rds.example");
      assert.equal(config.copy?.host, strategy === "snapshot" ? "chirp-migration-copy.rds.example" : undefined);
    });

  it("runs the servers' own bundle, by a release of its own", async () => {
    const run = await migration("bulk");
    const { name, agent, server } = releaseOf(run);
    assert.equal(name, "/chirp/dev/worker/release");
    const { value } = run.one("aws:ssm/parameter:Parameter", "chirp-release").inputs;
    assert.deepEqual({ agent, server, env: {} }, JSON.parse(value as string));
    const template = run.one("aws:ec2/launchTemplate:LaunchTemplate", "chirp-worker-template").inputs;
    const bootstrap = Buffer.from(template.userData as string, "base64").toString();
    assert.match(bootstrap, /^RELEASE=\/chirp\/dev\/worker\/release:3$/m);
  });

  it("logs where the bootstrap says by the name of the release", async () => {
    const run = await migration("bulk");
    const { userData } = run.one("aws:ec2/launchTemplate:LaunchTemplate", "chirp-worker-template").inputs;
    assert.match(
      Buffer.from(userData as string, "base64").toString(),
      /"log_group_name": "\$\{RELEASE%\/release\*\}\/servers"/,
    );
    const log = run.one("aws:cloudwatch/logGroup:LogGroup", "chirp-worker-log");
    assert.equal(log.inputs.name, "/chirp/dev/worker/servers");
  });

  it("is a group of exactly one in the app subnets, which ends before its successor starts", async () => {
    const { inputs } = (await migration("snapshot")).one(groupType, "chirp-worker");
    assert.deepEqual([inputs.minSize, inputs.maxSize, inputs.desiredCapacity], [1, 1, 1]);
    assert.deepEqual(inputs.vpcZoneIdentifiers, ["app-1", "app-2"]);
    assert.equal(inputs.healthCheckType, "EC2");
    assert.equal(inputs.targetGroupArns, undefined);
    assert.deepEqual(inputs.launchTemplate, { id: "chirp-worker-template-id", version: "7" });
    assert.deepEqual(inputs.instanceRefresh, {
      strategy: "Rolling",
      preferences: { minHealthyPercentage: 0, maxHealthyPercentage: 100, skipMatching: true },
    });
  });

  it("starts when the migration has begun, its copy is there, and it may do its work", async () => {
    const before = needs(await migration("snapshot"), groupType, "chirp-worker").join(" ");
    for (const name of ["chirp-begin-run", "chirp-worker-policy", "chirp-database-from-worker"])
      assert.ok(before.includes(name), name);
    const release = needs(await migration("snapshot"), "aws:ssm/parameter:Parameter", "chirp-worker-release");
    assert.match(release.join(" "), /chirp-migration-copy/);
  });

  it("may use its two tables, its secret and its release, and nothing of the servers'", async () => {
    const may = permissionsOf(await migration("snapshot"), "chirp-worker-policy");
    assert.deepEqual(may["secretsmanager:GetSecretValue"], ["arn:chirp-worker-user"]);
    assert.deepEqual(may["ssm:GetParameter"], ["arn:chirp-worker-release"]);
    assert.deepEqual(may["s3:GetObject"], ["arn:chirp-releases/*"]);
    assert.deepEqual(may["dynamodb:Scan"], ["arn:chirp-table"]);
    assert.deepEqual(may["dynamodb:PutItem"], ["arn:chirp-table", "arn:chirp-journal"]);
    assert.deepEqual(may["dynamodb:PartiQLInsert"], ["arn:chirp-table"]);
    for (const action of ["secretsmanager:PutSecretValue", "s3:PutObject", "cloudwatch:PutMetricData"])
      assert.equal(may[action], undefined, action);
  });

  it("gives the command that opens its page", async () => {
    const { page } = (await migration("snapshot")).outputs;
    assert.match(String(page), /start-session.*chirp-worker-1a2b3c4.*portNumber=80,localPortNumber=8081/);
  });
});
