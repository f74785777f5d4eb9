import assert from "node:assert/strict";
import { Database, type DatabaseArgs } from "../../../components/data/database.ts";
import { resolved, runProgram } from "../../support/program.ts";

const instanceType = "aws:rds/instance:Instance";
const usual: DatabaseArgs = {
  subnetIds: ["data-1", "data-2"],
  securityGroupId: "sg-database",
  instanceClass: "db.t4g.micro",
  storage: 20,
  standby: false,
  finalSnapshot: "chirp-dev-final-20260101000000",
  teardown: false,
};
const database = (args: Partial<DatabaseArgs> = {}) =>
  runProgram(() => void new Database("chirp", { ...usual, ...args }));

describe("database", () => {
  it("is private, encrypted, backed up, and keeps no password in the state", async () => {
    const { inputs } = (await database()).one(instanceType, "chirp-database");
    assert.equal(inputs.publiclyAccessible, false);
    assert.equal(inputs.storageEncrypted, true);
    assert.equal(inputs.manageMasterUserPassword, true);
    assert.equal(inputs.password, undefined);
    assert.equal(inputs.backupRetentionPeriod, 7);
    assert.equal(inputs.dbSubnetGroupName, "chirp-database-subnets-1a2b3c4");
    assert.deepEqual(inputs.vpcSecurityGroupIds, ["sg-database"]);
    assert.equal(inputs.allocatedStorage, 20);
    assert.equal(inputs.maxAllocatedStorage, 80);
  });

  it("lies in the subnets it was given", async () => {
    const { inputs } = (await database()).one("aws:rds/subnetGroup:SubnetGroup", "chirp-database-subnets");
    assert.deepEqual(inputs.subnetIds, ["data-1", "data-2"]);
  });

  it("writes a binlog that a later reader can use, from the first day", async () => {
    const { inputs } = (await database()).one("aws:rds/parameterGroup:ParameterGroup", "chirp-database-parameters");
    const values = Object.fromEntries(
      (inputs.parameters as { name: string; value: string }[]).map(({ name, value }) => [name, value]),
    );
    assert.equal(inputs.family, "mysql8.4");
    assert.equal(values.binlog_format, "ROW");
    assert.equal(values.binlog_row_image, "FULL");
    assert.equal(values["gtid-mode"], "ON");
    assert.equal(values.enforce_gtid_consistency, "ON");
    assert.equal(values.require_secure_transport, "1");
  });

  it("changes nothing but multiAz for a standby, and at once", async () => {
    const [alone, doubled] = [await database(), await database({ standby: true })];
    const { multiAz, ...rest } = alone.one(instanceType, "chirp-database").inputs;
    const { multiAz: later, ...restLater } = doubled.one(instanceType, "chirp-database").inputs;
    assert.deepEqual([multiAz, later], [false, true]);
    assert.deepEqual(rest, restLater);
    assert.equal(rest.applyImmediately, true);
  });

  it("is protected twice, with a final snapshot, and so is the application user's secret", async () => {
    const run = await database();
    const { inputs, protect } = run.one(instanceType, "chirp-database");
    assert.equal(protect, true);
    assert.equal(inputs.deletionProtection, true);
    assert.equal(inputs.skipFinalSnapshot, false);
    assert.equal(inputs.finalSnapshotIdentifier, "chirp-dev-final-20260101000000");
    assert.equal(run.one("aws:secretsmanager/secret:Secret", "chirp-database-app-user").protect, true);
  });

  it("gives up protection, but not the final snapshot, in teardown", async () => {
    const run = await database({ teardown: true });
    const { inputs, protect } = run.one(instanceType, "chirp-database");
    assert.equal(protect, false);
    assert.equal(inputs.deletionProtection, false);
    assert.equal(inputs.skipFinalSnapshot, false);
    assert.equal(run.one("aws:secretsmanager/secret:Secret", "chirp-database-app-user").protect, false);
  });

  it("leaves the application user's secret empty", async () => {
    const run = await database();
    assert.deepEqual(run.of("aws:secretsmanager/secretVersion:SecretVersion"), []);
  });

  it("gives what servers need to log in", async () => {
    let made: Database | undefined;
    await runProgram(() => {
      made = new Database("chirp", usual);
    });
    assert.ok(made);
    assert.equal(await resolved(made.host), "chirp-database.rds.example");
    assert.equal(await resolved(made.port), 3306);
    assert.equal(await resolved(made.adminSecretArn), "arn:chirp-database-admin");
    assert.equal(await resolved(made.appSecretArn), "arn:chirp-database-app-user");
    assert.equal(await resolved(made.certificateAuthority), "rds-ca-rsa2048-g1");
  });
});
