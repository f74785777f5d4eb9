import assert from "node:assert/strict";
import type { RowDataPacket } from "mysql2/promise";
import { handler } from "../../../app/functions/begin.ts";
import { Position } from "../../../app/migration/binlog/position.ts";
import { type SecretsManager, startSecretsManager } from "../../support/secrets-manager.ts";
import { sharedEmulator, testTable } from "../../support/test-dynamo.ts";
import { BinlogServer } from "./binlog-fixture.ts";

describe("The function that begins a migration", function () {
  this.timeout(60_000);
  let server: BinlogServer;
  let secrets: SecretsManager;
  const environment = { ...process.env };

  before(async () => {
    const [started, table, journal, { endpoint }] = await Promise.all([
      BinlogServer.start(),
      testTable(),
      testTable(),
      sharedEmulator(),
    ]);
    server = started;
    secrets = await startSecretsManager({ admin: JSON.stringify(server.admin), worker: "" });
    Object.assign(process.env, {
      AWS_REGION: "eu-central-1",
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.endpoint,
      AWS_ENDPOINT_URL_DYNAMODB: endpoint,
      DB_HOST: server.address.host,
      DB_PORT: String(server.address.port),
      DB_NAME: "chirp",
      DB_ADMIN_SECRET: "admin",
      WORKER_SECRET: "worker",
      TABLE_NAME: table.table.name,
      JOURNAL_TABLE: journal.table.name,
    });
  });

  after(async () => {
    process.env = environment;
    await secrets.stop();
    await server.stop();
  });

  const outbox = async () => {
    const [[row]] = await (await server.connect()).query<RowDataPacket[]>("SELECT outbox FROM control");
    return Number(row?.outbox);
  };

  it("begins, and begins again without beginning another", async () => {
    const asked = { run: 1, strategy: "snapshot", tf: { action: "create", prev_input: null } };
    const begun = await handler(asked);
    assert.ok("position" in begun && Position.parse(begun.position).server === begun.serverId);
    assert.deepEqual(await handler({ ...asked, tf: { action: "update" } }), begun);
    assert.match(secrets.values.get("worker") ?? "", /"username":"chirp_migration"/);
  });

  it("switches the outbox on, and off when it is deleted", async () => {
    await handler({ run: 2, strategy: "dual-write", tf: { action: "create" } });
    assert.equal(await outbox(), 1);
    assert.deepEqual(await handler({ run: 2, strategy: "dual-write", tf: { action: "delete" } }), { ended: 2 });
    assert.equal(await outbox(), 0);
  });

  it("says what it does not understand, and what is not set", async () => {
    await assert.rejects(handler({ run: 0, strategy: "quickly" }), /run[\s\S]*strategy/);
    const { DB_HOST, TABLE_NAME } = process.env;
    delete process.env.DB_HOST;
    delete process.env.TABLE_NAME;
    await assert.rejects(handler({ run: 3, strategy: "bulk" }), /DB_HOST: is not set[\s\S]*TABLE_NAME: is not set/);
    Object.assign(process.env, { DB_HOST, TABLE_NAME });
  });

  it("begins nothing without the table", async () => {
    const { TABLE_NAME } = process.env;
    process.env.TABLE_NAME = "elsewhere";
    await assert.rejects(handler({ run: 4, strategy: "dual-write" }), { name: "ResourceNotFoundException" });
    assert.equal(await outbox(), 0);
    process.env.TABLE_NAME = TABLE_NAME;
  });
});
