import assert from "node:assert/strict";
import type { Connection, RowDataPacket } from "mysql2/promise";
import { pino } from "pino";
import { splitSnowflake, workerCount } from "../../../app/domain/snowflake.ts";
import { Ids } from "../../../app/server/ids.ts";
import type { GrantedWindow } from "../../../app/store/workers.ts";
import { until } from "../../support/wait.ts";
import { type OpenedStore, openTestStore } from "./opened.ts";

const log = pino({ level: "silent" });

describe("Worker numbers leased from MySQL", function () {
  this.timeout(60_000);
  let opened: OpenedStore;
  let admin: Connection;

  before(async () => {
    opened = await openTestStore();
    admin = await opened.database.connect();
  });
  after(() => opened?.close());

  /** Makes all numbers free but these many. */
  async function leaveFree(count: number): Promise<void> {
    await admin.query("UPDATE workers SET holder = '', until_ms = IF(number < ?, 0, 99999999999999)", [count]);
  }

  async function databaseTime(): Promise<number> {
    const [[row]] = await admin.query<RowDataPacket[]>("SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000 AS CHAR) AS now");
    return Number(row?.now);
  }

  it("are different for everybody who asks at once", async () => {
    await leaveFree(workerCount);
    const holders = Array.from({ length: 60 }, (_, index) => `holder ${index}`);
    const granted = await Promise.all(holders.map((holder) => opened.workers.claim(holder, 60_000)));
    assert.equal(new Set(granted.map(({ worker }) => worker)).size, 60);
  });

  it("run out with a 503, and are free again when given back or over", async () => {
    await leaveFree(1);
    const lease = await opened.workers.claim("first", 60_000);
    await assert.rejects(opened.workers.claim("second", 60_000), { status: 503 });
    await opened.workers.release(lease, "first", lease.grantedAt + 1);
    const second = await until(() => opened.workers.claim("second", 50), { describe: "the number is free again" });
    assert.equal(second.worker, lease.worker);
    assert.ok(second.from > lease.grantedAt + 1);
    const third = await until(() => opened.workers.claim("third", 60_000), { describe: "the lease is over" });
    assert.ok(third.from > second.until && third.grantedAt > second.until);
  });

  it("never have two windows that overlap, whoever holds, renews, loses or returns them", async () => {
    await leaveFree(3);
    const used: { worker: number; from: number; until: number }[] = [];
    const live = async (holder: string) => {
      for (let life = 0; life < 5; life++) {
        let lease: GrantedWindow | undefined = await until(() => opened.workers.claim(holder, 40), { timeout: 30_000 });
        let held = lease;
        for (let renewal = 0; renewal < life; renewal++) {
          lease = await opened.workers.renew(held, holder, 40);
          if (!lease) break;
          assert.equal(lease.worker, held.worker);
          held = lease;
        }
        if (lease && life % 2) await opened.workers.release(held, holder, held.grantedAt);
        used.push({ worker: held.worker, from: held.from, until: lease && life % 2 ? held.grantedAt : held.until });
      }
    };
    await Promise.all(Array.from({ length: 6 }, (_, index) => live(`holder ${index}`)));
    for (let worker = 0; worker < 3; worker++) {
      const windows = used.filter((window) => window.worker === worker).sort((a, b) => a.from - b.from);
      for (const [index, window] of windows.slice(1).entries()) {
        const previous = windows[index] as (typeof windows)[number];
        assert.ok(window.from > previous.until, `${JSON.stringify(previous)} overlaps ${JSON.stringify(window)}`);
      }
    }
  });

  it("are not renewed once somebody else has them, or once they are over", async () => {
    await leaveFree(1);
    const lease = await opened.workers.claim("frozen", 1);
    await until(async () => (await databaseTime()) > lease.until + 1);
    assert.equal(await opened.workers.renew(lease, "frozen", 1000), undefined);
    const other = await until(() => opened.workers.claim("other", 60_000));
    assert.equal(other.worker, lease.worker);
    assert.equal(await opened.workers.renew(lease, "frozen", 1000), undefined);
    await opened.workers.release(lease, "frozen", lease.until);
    assert.ok(await opened.workers.renew(other, "other", 60_000), "a release by a former holder changes nothing");
  });

  it("are kept by a server as long as it lives, and make unique ids on all servers", async () => {
    await leaveFree(workerCount);
    const servers = Array.from({ length: 5 }, (_, index) => {
      return new Ids({ leases: opened.workers, holder: `server ${index}`, log, leaseDuration: 150 });
    });
    await Promise.all(servers.map((server) => server.start()));
    const numbers = servers.map(({ worker }) => worker);
    const made: string[] = [];
    const end = performance.now() + 600; // four times a lease's length
    await until(() => {
      for (const server of servers) made.push(server.next(), server.next());
      return performance.now() > end;
    });
    assert.deepEqual(
      servers.map(({ worker }) => worker),
      numbers,
    );
    assert.equal(new Set(made).size, made.length);
    assert.deepEqual(new Set(made.map((id) => splitSnowflake(id).worker)), new Set(numbers));
    await Promise.all(servers.map((server) => server.close()));
    assert.throws(() => servers[0]?.next(), { status: 503 });
  });

  it("lost to somebody else make no more ids until another is leased", async () => {
    await leaveFree(2);
    const server = new Ids({ leases: opened.workers, holder: "server", log, leaseDuration: 300 });
    await server.start();
    const lost = server.worker as number;
    const last = BigInt(server.next());
    // As if this server had been frozen until its lease was over, and another had taken the number.
    await admin.query("UPDATE workers SET holder = 'thief', until_ms = 99999999999999 WHERE number = ?", [lost]);
    await until(() => server.worker !== undefined && server.worker !== lost, { describe: "another number is leased" });
    const next = server.next();
    assert.notEqual(splitSnowflake(next).worker, lost);
    assert.ok(BigInt(next) > last);
    await server.close();
  });

  it("that cannot be renewed make ids until the lease is over, and then none", async () => {
    await leaveFree(1);
    let isReachable = true;
    const { workers } = opened;
    const renew: typeof workers.renew = (...parameters) =>
      isReachable ? workers.renew(...parameters) : Promise.reject(new Error("the database is away"));
    const server = new Ids({ leases: { ...workers, renew }, holder: "server", log, leaseDuration: 300 });
    await server.start();
    isReachable = false;
    const latest = splitSnowflake(server.next());
    await until(
      () => {
        try {
          Object.assign(latest, splitSnowflake(server.next()));
          return false;
        } catch (error) {
          return (error as { status: number }).status === 503;
        }
      },
      { describe: "no more ids are made" },
    );
    const [[row]] = await admin.query<RowDataPacket[]>("SELECT until_ms FROM workers WHERE number = ?", [
      latest.worker,
    ]);
    assert.ok(latest.time <= Number(row?.until_ms));
    isReachable = true;
    await until(() => server.next(), { describe: "a number is leased again" });
    await server.close();
  });
});
