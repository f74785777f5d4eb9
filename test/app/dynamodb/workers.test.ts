import assert from "node:assert/strict";
import fc from "fast-check";
import { keys } from "../../../app/store/dynamodb/keys.ts";
import { alwaysTheRecord } from "../../../app/store/dynamodb/record.ts";
import { openDynamo } from "../../../app/store/dynamodb/open.ts";
import { dynamoWorkerLeases } from "../../../app/store/dynamodb/workers.ts";
import type { GrantedWindow } from "../../../app/store/workers.ts";
import { localAccess, sharedEmulator, testTable } from "../../support/test-dynamo.ts";

describe("Worker numbers in DynamoDB", function () {
  this.timeout(120_000);
  before(() => sharedEmulator());

  it("come in windows that never overlap, whatever the servers' clocks say and whoever comes at once", async () => {
    const { table } = await testTable();
    const server = fc.nat(3);
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom("claim", "renew"), server, clock: fc.integer({ min: 1, max: 400 }) }),
      fc.record({ kind: fc.constant("release"), server, clock: fc.integer({ min: 1, max: 400 }) }),
    );
    // A server does one thing at a time, beside the others.
    const round = fc.uniqueArray(step, { selector: ({ server }) => server, minLength: 1 });
    const rounds = fc.array(round, { minLength: 1, maxLength: 12 });
    return fc.assert(
      fc.asyncProperty(rounds, async (all) => {
        await table.writeAll({ deletes: [keys.worker(0), keys.worker(1)] });
        /** Ids that each grant may have made, as spans of milliseconds. */
        const spans: { worker: number; from: number; until: number }[] = [];
        const held = new Map<number, { granted: GrantedWindow; span: (typeof spans)[number] }>();
        for (const round of all)
          await Promise.all(
            round.map(async ({ kind, server: number, clock }) => {
              const leases = dynamoWorkerLeases(table, { clock: () => clock, share: { first: 0, count: 2 } });
              const [holder, mine] = [`server ${number}`, held.get(number)];
              if (kind === "claim") {
                const granted = await leases.claim(holder, 30).catch((error) => assert.equal(error.status, 503));
                if (!granted) return;
                const span = { worker: granted.worker, from: granted.from, until: granted.until };
                spans.push(span);
                held.set(number, { granted, span });
              } else if (mine && kind === "renew") {
                const renewed = await leases.renew(mine.granted, holder, 30);
                if (!renewed) return;
                mine.span.until = Math.max(mine.span.until, renewed.until);
                held.set(number, { granted: renewed, span: mine.span });
              } else if (mine) {
                // It has made ids up to here, and makes none after it has given the number back.
                const last = mine.granted.from + 3;
                held.delete(number);
                mine.span.until = Math.min(mine.span.until, last);
                await leases.release(mine.granted, holder, last);
              }
            }),
          );
        for (const [index, a] of spans.entries())
          for (const b of spans.slice(index + 1))
            if (a.worker === b.worker) assert.ok(a.until < b.from || b.until < a.from, JSON.stringify([a, b]));
      }),
      { numRuns: 20 },
    );
  });

  it("are leased, renewed and given back", async () => {
    const { table } = await testTable();
    let now = 1000;
    const leases = dynamoWorkerLeases(table, { clock: () => now, share: { first: 0, count: 1 } });
    const first = await leases.claim("first", 30);
    assert.deepEqual(first, { worker: 0, from: 1, until: 1030, grantedAt: 1000 });
    await assert.rejects(leases.claim("second", 30), { status: 503 });
    now = 1010;
    const renewed = await leases.renew(first, "first", 30);
    assert.deepEqual(renewed, { worker: 0, from: 1, until: 1040, grantedAt: 1010 });
    assert.equal(await leases.renew(first, "first", 30), undefined);
    assert.equal(await leases.renew(renewed as GrantedWindow, "second", 30), undefined);
    await leases.release(renewed as GrantedWindow, "first", 1009);
    const second = await leases.claim("second", 30);
    assert.deepEqual(second, { worker: 0, from: 1010, until: 1040, grantedAt: 1010 });
    now = 1041;
    assert.equal(await leases.renew(second, "second", 30), undefined);
  });

  it("come with the store that is opened over a table", async () => {
    const { table } = await testTable();
    const { endpoint } = await sharedEmulator();
    const options = { record: alwaysTheRecord(1n), client: { ...localAccess, endpoint } };
    const { store, workers, close } = await openDynamo({ ...options, tableName: table.name });
    await store.ping();
    assert.ok((await workers.claim("server", 1000)).worker >= 0);
    await close();
    await assert.rejects(openDynamo({ ...options, tableName: "no-such-table" }), { status: 503 });
  });
});
