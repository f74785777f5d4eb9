import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import type { Outcome } from "../../local/provider/operations.ts";
import { temporaryFolder } from "../support/folder.ts";
import { TestAws } from "../support/local-aws.ts";
import { until } from "../support/wait.ts";

const type = "aws:rds/instance:Instance";
const inputs = {
  engine: "mysql",
  instanceClass: "db.t4g.micro",
  allocatedStorage: 20,
  dbName: "chirp",
  username: "admin",
  manageMasterUserPassword: true,
  applyImmediately: true,
  multiAz: false,
  deletionProtection: true,
  skipFinalSnapshot: false,
  finalSnapshotIdentifier: "the-end",
};

describe("RDS instance", function () {
  this.timeout(30_000);
  const folder = temporaryFolder();
  let test: TestAws;
  let made: Outcome;
  before(async () => {
    test = await TestAws.start(folder);
    const parameters = [
      { name: "binlog_row_metadata", value: "FULL" },
      { name: "gtid-mode", value: "ON" },
    ];
    const group = await test.create("aws:rds/parameterGroup:ParameterGroup", "parameters", {
      family: "mysql8.4",
      parameters,
    });
    made = await test.create(type, "database", { ...inputs, parameterGroupName: group.id });
  });
  after(() => test.stop());

  const credentials = () => {
    const [secret] = made.outputs.masterUserSecrets as { secretArn: string }[];
    return JSON.parse(test.aws.secrets.get(String(secret?.secretArn)).value) as { username: string; password: string };
  };
  const query = async (sql: string) => {
    const { username: user, password } = credentials();
    const where = { host: String(made.outputs.address), port: Number(made.outputs.port) };
    const connection = await createConnection({ ...where, user, password, database: "chirp" });
    try {
      return (await connection.query(sql))[0];
    } finally {
      await connection.end();
    }
  };

  it("is a real server, with its schema and the password in a secret only", async () => {
    assert.deepEqual(await query("SELECT DATABASE() d, @@binlog_row_metadata m"), [{ d: "chirp", m: "FULL" }]);
    assert.equal(made.outputs.endpoint, `${String(made.outputs.address)}:${String(made.outputs.port)}`);
    assert.ok(!JSON.stringify(made.outputs).includes(credentials().password));
  });

  it("says which parameters have no effect here", () => {
    assert.ok(test.lines.some((line) => /nothing that corresponds to gtid-mode;/.test(line)));
  });

  it("is started again with its rows when its process is killed", async () => {
    await query("CREATE TABLE kept (id INT PRIMARY KEY)");
    await query("INSERT INTO kept VALUES (1)");
    const [before] = test.aws.databases.describe();
    process.kill(before?.pid ?? 0, "SIGKILL");
    await until(() => test.aws.databases.describe()[0]?.pid !== before?.pid && test.aws.databases.describe()[0], {
      describe: "another process serves the database",
    });
    assert.deepEqual(await query("SELECT COUNT(*) n FROM kept"), [{ n: 1 }]);
  });

  it("changes the master password as a rotation does, on connections that stay open", async () => {
    const old = credentials();
    const [record] = test.aws.registry.ofType(type);
    await test.aws.databases.rotate(record ?? assert.fail());
    assert.notEqual(credentials().password, old.password);
    await query("SELECT 1");
    const refused = { host: "127.0.0.1", port: Number(made.outputs.port), user: "admin", password: old.password };
    await assert.rejects(createConnection(refused), /Access denied/);
  });

  it("makes Multi-AZ in place, and refuses what RDS refuses", async () => {
    const group = made.inputs.parameterGroupName;
    const change = (more: object) =>
      test.update(type, "database", made, { ...inputs, parameterGroupName: group, ...more });
    made = await change({ multiAz: true });
    assert.equal(made.outputs.multiAz, true);
    await query("SELECT 1");
    await assert.rejects(change({ multiAz: true, allocatedStorage: 10 }), /InvalidParameterCombination/);
    await assert.rejects(change({ multiAz: true, dbSubnetGroupName: "other" }), /InvalidVPCNetworkStateFault/);
    await change({ multiAz: false, applyImmediately: false });
    assert.ok(test.warnings.some((warning) => /multiAz in the next maintenance window/.test(warning)));
  });

  it("comes back at the same address after everything was stopped", async () => {
    await test.stop();
    test = await TestAws.start(folder);
    assert.deepEqual(await query("SELECT COUNT(*) n FROM kept"), [{ n: 1 }]);
  });

  it("is not deleted while it is protected, nor without its final snapshot", async () => {
    await assert.rejects(test.delete(type, "database", made), /Cannot delete protected DB Instance/);
    made = await test.update(type, "database", made, { ...inputs, deletionProtection: false });
    await test.delete(type, "database", made);
    assert.ok(existsSync(join(folder, "snapshots/the-end/data")));
    assert.equal(test.operations.read(type, made.id, test.urn(type, "database")), undefined);
    const again = await test.create(type, "database", { ...inputs, deletionProtection: false });
    await assert.rejects(test.delete(type, "database", again), /DBSnapshotAlreadyExists/);
    const nameless = { ...inputs, deletionProtection: false, finalSnapshotIdentifier: undefined };
    const changed = await test.update(type, "database", again, nameless);
    await assert.rejects(test.delete(type, "database", changed), /finalSnapshotIdentifier is required/);
  });
});
