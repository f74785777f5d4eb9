import assert from "node:assert/strict";
import { migration, needs } from "../../support/migration.ts";

const instanceType = "aws:rds/instance:Instance";
const snapshotType = "aws:rds/snapshot:Snapshot";

describe("the copy of the database", () => {
  it("is restored from a snapshot of this run, taken after the position was recorded", async () => {
    const run = await migration("snapshot");
    assert.deepEqual(run.one(snapshotType, "chirp-migration-snapshot").inputs, {
      dbInstanceIdentifier: "chirp-database-1a2b3c4",
      dbSnapshotIdentifier: "chirp-dev-migration-20260101000000-3",
    });
    assert.match(needs(run, snapshotType, "chirp-migration-snapshot").join(" "), /chirp-begin-run/);
    assert.match(needs(run, instanceType, "chirp-migration-copy").join(" "), /chirp-migration-snapshot/);
  });

  it("is private and encrypted, in the database's subnets and with its parameters", async () => {
    const { inputs } = (await migration("snapshot")).one(instanceType, "chirp-migration-copy");
    assert.equal(inputs.snapshotIdentifier, "chirp-migration-snapshot-id");
    assert.equal(inputs.publiclyAccessible, false);
    assert.equal(inputs.storageEncrypted, true);
    assert.equal(inputs.dbSubnetGroupName, "chirp-database-subnets-1a2b3c4");
    assert.equal(inputs.parameterGroupName, "chirp-database-parameters-1a2b3c4");
    assert.deepEqual(inputs.vpcSecurityGroupIds, ["chirp-copy-group-id"]);
    assert.equal(inputs.instanceClass, "db.t4g.medium");
    assert.equal(inputs.multiAz, false);
  });

  it("goes without a trace: it holds nothing that the database doesn't", async () => {
    const { inputs, protect } = (await migration("snapshot")).one(instanceType, "chirp-migration-copy");
    assert.equal(protect, false);
    assert.equal(inputs.deletionProtection, false);
    assert.equal(inputs.skipFinalSnapshot, true);
    assert.equal(inputs.deleteAutomatedBackups, true);
    assert.equal(inputs.backupRetentionPeriod, 0);
  });

  it("takes users, passwords and storage from the snapshot: AWS refuses to be told them", async () => {
    const { inputs } = (await migration("snapshot")).one(instanceType, "chirp-migration-copy");
    for (const input of ["username", "password", "manageMasterUserPassword", "dbName", "allocatedStorage"])
      assert.equal(inputs[input], undefined, input);
  });

  for (const strategy of ["dual-write", "bulk"] as const)
    it(`is not there with ${strategy}, nor a way to it`, async () => {
      const run = await migration(strategy);
      assert.ok(!run.has(instanceType, "chirp-migration-copy"));
      assert.deepEqual(run.of(snapshotType), []);
      assert.deepEqual(
        run.all.filter(({ name }) => /copy/.test(name)).map(({ urn }) => urn),
        [],
      );
    });
});
