import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { RowDataPacket } from "mysql2/promise";
import { claim } from "../../../app/migration/outbox/entries.ts";
import { migratingClient } from "../../../app/migration/client.ts";
import { DynamoTable } from "../../../app/store/dynamodb/dynamo-table.ts";
import { itemsOf, readRow } from "../../../app/store/dynamodb/mapping.ts";
import { ApiClient } from "../../support/api-client.ts";
import { differences } from "../../support/both-stores.ts";
import { injectFaults } from "../../support/faults.ts";
import { Life } from "../../support/life.ts";
import { startSecretsManager } from "../../support/secrets-manager.ts";
import { startServerProcess } from "../../support/server-process.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";
import { localAccess, sharedEmulator } from "../../support/test-dynamo.ts";
import { until } from "../../support/wait.ts";
import { openTestStore } from "../mysql/opened.ts";
import { OutboxFixture } from "./outbox-fixture.ts";

const someDay = Date.UTC(2024, 1, 29) * 1000;

describe("The outbox's drain", function () {
  this.timeout(120_000);
  let fixture: OutboxFixture;
  let life: Life;

  beforeEach(async () => {
    fixture = await OutboxFixture.make();
    life = new Life(fixture.opened);
  });
  afterEach(() => fixture?.close());

  const live = async (steps: number) => {
    for (let step = 0; step < steps; step++) await life.step();
  };
  const assertSame = async () => assert.deepEqual(await differences(fixture.opened.database, fixture.made), []);
  const isDueNow = () => fixture.admin.query("UPDATE outbox SET due_at = 0");

  it("writes what servers left, before it began and while it works, and leaves nothing behind", async () => {
    await live(80);
    const drain = fixture.drain();
    await live(80);
    await fixture.isDrained();
    await assertSame();
    await until(() => drain.waiting() === 0 && drain.oldestSeconds() === 0, { describe: "it says that nothing waits" });
    assert.deepEqual(fixture.warnings, []);
  });

  it("says how much waits and for how long, also while it cannot go on", async () => {
    const wire = await startTcpProxy(fixture.opened.database.address);
    await live(30);
    await fixture.admin.query("UPDATE outbox SET due_at = due_at + 60000000, written_at = written_at - 60000000");
    const entries = await fixture.entries();
    const drain = fixture.drain({ port: wire.port });
    await until(() => drain.waiting() === entries, { describe: "it knows what waits" });
    const before = drain.oldestSeconds();
    assert.ok(before > 60 && before < 120, String(before));
    await wire.stop();
    await until(() => drain.oldestSeconds() > before + 3, { describe: "the oldest gets older" });
  });

  it("shares the work with others: each entry is taken by one", async () => {
    const userId = await life.signUp();
    for (let count = 0; count < 600; count++) {
      const session = { userId, tokenHash: randomBytes(32), createdAt: someDay, expiresAt: someDay };
      await fixture.opened.store.createSession(session);
    }
    const drains = [fixture.drain(), fixture.drain()];
    await fixture.isDrained();
    const [first = [], second = []] = drains.map(({ applied }) => applied);
    assert.equal(first.length + second.length, 602);
    assert.ok(first.length > 50 && second.length > 50, `${first.length} and ${second.length}`);
    await assertSame();
  });

  it("converges while servers write, answers get lost, requests are throttled and connections break", async () => {
    const faulty = migratingClient({ ...localAccess, endpoint: (await sharedEmulator()).endpoint });
    const faults = { throttled: 0.2, lost: 0.2 };
    injectFaults(faulty, faults);
    const made = {
      ...fixture.made,
      client: faulty,
      table: new DynamoTable({ client: faulty, name: fixture.made.table.name }),
    };
    const wire = await startTcpProxy(fixture.opened.database.address);
    const dualWrite = { tableName: made.table.name, log: { warn: () => {} } as never, client: faulty };
    const writing = await openTestStore(fixture.opened.database, wire.port, dualWrite);
    const drains = [fixture.drain({ port: wire.port, made }), fixture.drain({ port: wire.port, made })];
    const lives = [new Life(writing), new Life(writing)];
    for (let round = 0; round < 12; round++) {
      await Promise.all(
        lives.map(async (people) => {
          for (let step = 0; step < 20; step++) await people.step();
        }),
      );
      wire.cut();
    }
    Object.assign(faults, { throttled: 0, lost: 0 });
    await Promise.all(drains.map((drain) => drain.caughtUp()));
    await assertSame();
    await fixture.isDrained();
    await writing.close();
    await wire.stop();
  });

  it("finds an entry that becomes visible after later ones are done", async () => {
    const drain = fixture.drain();
    const [me, friend] = [await life.signUp(), await life.signUp()];
    const open = await fixture.opened.database.connect();
    await open.query("START TRANSACTION");
    await open.query("SELECT * FROM control LOCK IN SHARE MODE");
    await open.query("UPDATE users SET bio = 'late', version = version + 1 WHERE id = ?", [me]);
    await open.query("INSERT INTO outbox (changed, written_at, due_at) VALUES (?, 0, 0)", [`["users/${me}"]`]);
    await fixture.opened.store.setFollow(friend, me, true, someDay);
    await until(() => drain.applied.includes(`follows/${friend}/${me}`), { describe: "the later one is written" });
    await drain.caughtUp();
    await open.query("COMMIT");
    await fixture.isDrained();
    await assertSame();
  });

  it("takes over what another claimed and did not write, when its lease is over", async () => {
    await live(20);
    const dead = fixture.workerDatabase();
    assert.ok((await claim(dead, 1000)).length > 5);
    assert.deepEqual(await claim(dead, 1000), []);
    const [[lease]] = await fixture.admin.query<RowDataPacket[]>(
      "SELECT MIN(due_at) / 1000000 - UNIX_TIMESTAMP() AS seconds FROM outbox",
    );
    assert.ok(Number(lease?.seconds) > 20 && Number(lease?.seconds) <= 31, String(lease?.seconds));
    const drain = fixture.drain();
    await until(() => drain.waiting() > 5, { describe: "it sees them" });
    assert.deepEqual(drain.applied, []);
    await isDueNow();
    await fixture.isDrained();
    await assertSame();
  });

  it("puts what cannot be written among the dead letters, goes on with the rest, and takes it back when it can be", async () => {
    const { admin, made, letters, opened } = fixture;
    const [unmappable, conflicting] = [await life.signUp(), await life.signUp()];
    await admin.query("UPDATE users SET created_at = 18446744073709551615 WHERE id = ?", [unmappable]);
    const [[raw]] = await admin.query<RowDataPacket[]>("SELECT * FROM users WHERE id = ?", [conflicting]);
    const stranger = itemsOf("users", { ...readRow("users", raw as RowDataPacket), bio: "somebody else's" });
    await made.table.writeAll({ puts: stranger });
    await admin.query(`INSERT INTO outbox (changed, written_at, due_at) VALUES ('["workers/1"]', 0, 0), ('?', 0, 0)`);
    await live(30);
    const drain = fixture.drain();
    await drain.caughtUp();
    const kinds = (await letters.list()).map(({ key, kind }) => [key.replace(/^outbox\/\d+/, "outbox"), kind]);
    assert.deepEqual(
      kinds.toSorted(),
      [
        ["outbox", "mapping"],
        [`users/${conflicting}`, "conflict"],
        [`users/${unmappable}`, "mapping"],
        ["workers/1", "mapping"],
      ].toSorted(),
    );
    assert.match(letters.all.get(`users/${unmappable}`)?.reason ?? "", /created_at: .* is beyond 2\^53/);
    const differing = await differences(opened.database, made).catch((error) => error.message as string);
    assert.match(String(differing), /created_at/);
    await until(() => drain.waiting() === 0, { describe: "dead letters don't count as waiting" });
    assert.equal(await fixture.entries(), 4);

    await admin.query("UPDATE users SET created_at = 1, version = version + 1");
    await admin.query(`UPDATE outbox SET changed = '["users/${conflicting}"]' WHERE changed IN ('?', '["workers/1"]')`);
    await isDueNow();
    await fixture.isDrained();
    assert.deepEqual([...letters.all.keys()], ["workers/1"]);
  });

  it("ends when it is told to, also while the other store does not answer", async () => {
    const wire = await startTcpProxy(fixture.opened.database.address);
    await live(10);
    const client = migratingClient({ ...localAccess, endpoint: "http://127.0.0.1:1" });
    const table = new DynamoTable({ client, name: "any" });
    const drain = fixture.drain({ port: wire.port, made: { ...fixture.made, client, table } });
    await until(() => drain.applied.length > 0, { describe: "it tries" });
    const caughtUp = drain.caughtUp();
    client.destroy();
    await wire.stop();
    void drain.stop();
    await caughtUp;
  });

  it("writes what a server was about to when it was killed", async () => {
    const { database } = fixture.opened;
    const { endpoint } = await sharedEmulator();
    const wire = await startTcpProxy({ host: "127.0.0.1", port: Number(new URL(endpoint).port) });
    wire.freeze();
    const secrets = await startSecretsManager({
      admin: JSON.stringify(database.admin),
      app: JSON.stringify(await fixture.opened.secrets.read("app")),
    });
    const server = await startServerProcess({
      database: database.address,
      secretsEndpoint: secrets.endpoint,
      env: { TABLE_NAME: fixture.made.table.name, AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${wire.port}` },
    });
    await server.ready();
    const client = new ApiClient(server.url);
    const signedUp = await client.post("/api/signup", { name: "ada", password: "correct horse battery" });
    assert.equal(signedUp.status, 201);
    for (let count = 0; count < 5; count++)
      assert.equal((await client.post("/api/posts", { text: `before the end ${count}` })).status, 201);
    server.process.kill("SIGKILL");
    await once(server.process, "exit");
    assert.ok((await differences(database, fixture.made)).length > 10);
    fixture.drain();
    await fixture.isDrained();
    await assertSame();
    await secrets.stop();
    await wire.stop();
  });
});
