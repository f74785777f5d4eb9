import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { migration, needs, strategies } from "../../support/migration.ts";
import { permissionsOf } from "../../support/policies.ts";

const functionType = "aws:lambda/function:Function";
const invocationType = "aws:lambda/invocation:Invocation";

describe("the beginning of a migration", () => {
  for (const strategy of strategies)
    it(`is asked for run and strategy, and asked again when it goes: ${strategy}`, async () => {
      const { inputs } = (await migration(strategy)).one(invocationType, "chirp-begin-run");
      assert.deepEqual(JSON.parse(inputs.input as string), { run: 3, strategy });
      assert.equal(inputs.lifecycleScope, "CRUD");
      assert.equal(inputs.functionName, "chirp-begin-1a2b3c4");
      assert.equal(inputs.triggers, undefined, "a replacement would end the old run after beginning the new one");
    });

  it("knows the database, the secrets and the tables", async () => {
    const { inputs } = (await migration("snapshot")).one(functionType, "chirp-begin");
    assert.deepEqual(inputs.environment, {
      variables: {
        DB_HOST: "chirp-database.rds.example",
        DB_PORT: "3306",
        DB_NAME: "chirp",
        DB_CA: "rds-ca-rsa2048-g1",
        DB_ADMIN_SECRET: "arn:chirp-database-admin",
        WORKER_SECRET: "arn:chirp-worker-user",
        JOURNAL_TABLE: "chirp-journal-1a2b3c4",
        TABLE_NAME: "chirp-table-1a2b3c4",
      },
    });
    assert.equal(inputs.timeout, 900);
  });

  it("runs in the app subnets with a group of its own, and leaves that group at once when it goes", async () => {
    const { inputs } = (await migration("bulk")).one(functionType, "chirp-begin");
    assert.deepEqual(inputs.vpcConfig, { subnetIds: ["app-1", "app-2"], securityGroupIds: ["chirp-begin-group-id"] });
    assert.equal(inputs.replaceSecurityGroupsOnDestroy, true);
    assert.deepEqual(inputs.replacementSecurityGroupIds, ["chirp-servers-group-id"]);
  });

  it("may read both secrets, fill the worker's, and write the journal", async () => {
    const may = permissionsOf(await migration("snapshot"), "chirp-begin-policy");
    assert.deepEqual(may["secretsmanager:GetSecretValue"], ["arn:chirp-database-admin", "arn:chirp-worker-user"]);
    assert.deepEqual(may["secretsmanager:PutSecretValue"], ["arn:chirp-worker-user"]);
    assert.deepEqual(may["dynamodb:PutItem"], ["arn:chirp-journal"]);
    const everywhere = Object.entries(may).filter(([, resources]) => resources.includes("*"));
    assert.ok(everywhere.every(([action]) => action.startsWith("ec2:")));
  });

  it("has its permissions, its way to the database and its way out from its beginning to its end", async () => {
    const way = () => new aws.ec2.Eip("way");
    const run = await migration("snapshot", { waysOut: pulumi.output(0).apply(() => [way()]) });
    const before = needs(run, invocationType, "chirp-begin-run").join(" ");
    for (const name of ["chirp-begin-to-database", "chirp-database-from-begin", "chirp-begin-to-https", "::way"])
      assert.ok(before.includes(name), name);
    assert.match(needs(run, functionType, "chirp-begin").join(" "), /chirp-begin-policy/);
  });

  it("leaves the worker's secret empty and unprotected: each migration has a new one", async () => {
    const run = await migration("snapshot");
    assert.equal(run.one("aws:secretsmanager/secret:Secret", "chirp-worker-user").protect, false);
    assert.deepEqual(run.of("aws:secretsmanager/secretVersion:SecretVersion"), []);
  });
});
