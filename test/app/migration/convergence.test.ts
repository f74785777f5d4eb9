import assert from "node:assert/strict";
import fc from "fast-check";
import { backfill } from "../../../app/migration/backfill.ts";
import { deadLetters } from "../../../app/migration/dead-letters.ts";
import { repair } from "../../../app/migration/repair.ts";
import { createSink } from "../../../app/migration/sink/sink.ts";
import { rowsByKey } from "../../../app/migration/table-rows.ts";
import { forgetVerification, mismatches, verify } from "../../../app/migration/verify/verify.ts";
import { applyItem } from "../../../app/store/dynamodb/apply.ts";
import { type Item, tableNames } from "../../../app/store/dynamodb/items.ts";
import { versionOf } from "../../../app/store/dynamodb/mapping.ts";
import { log } from "./fixture.ts";
import { MemoryDatabase, memoryJournal, MemoryTable, type Turn } from "./memory.ts";
import { SmallWorld, type Write, write } from "./small-world.ts";

const numRuns = Number(process.env.CHIRP_CASES ?? 500);
const none = { lagging: 0, stale: 0, missing: 0, extra: 0, mapping: 0, conflict: 0 };
const never = new AbortController().signal;

/** Both stores in memory, and whoever writes from one to the other; everything waits for its turn at each step. */
class Stage {
  readonly world = new SmallWorld();
  readonly database: MemoryDatabase;
  readonly table: MemoryTable;
  readonly turn: Turn;
  readonly #kept = new Map<string, unknown>();
  #fence = 0;

  constructor(scheduler: fc.Scheduler) {
    this.turn = () => scheduler.schedule(Promise.resolve());
    this.database = new MemoryDatabase([...tableNames], this.turn);
    this.table = new MemoryTable(this.turn);
  }

  write(one: Write): void {
    this.world.write(one);
    // The tables have what the world has.
    for (const [name, rows] of Object.entries(this.database.tables)) {
      const here = this.world.slots.map(({ table }, slot) => (table === name ? this.world.rows.get(slot) : undefined));
      rows.splice(0, rows.length, ...here.filter((row) => row !== undefined));
    }
  }

  /** All that a worker has; each has a fence of its own. */
  worker() {
    const journal = memoryJournal(++this.#fence, this.#kept);
    const { client } = this.table;
    const sink = createSink({ client, tableName: "items", fence: journal.fence, log });
    const letters = deadLetters(journal);
    return {
      source: this.database,
      client,
      tableName: "items",
      journal,
      sink,
      deadLetters: letters,
      signal: never,
      log,
    };
  }

  async writeAll(writes: readonly Write[]): Promise<void> {
    for (const one of writes) {
      await this.turn();
      this.write(one);
    }
  }

  /** As a server or the outbox's drain: reads the row and writes what it read, item by item. */
  async dualWrite(slot: number): Promise<void> {
    const key = this.world.keyOf(slot);
    const mapped = (await rowsByKey(this.database, [key])).get(key)?.mapped;
    if (!mapped || mapped instanceof Error) return;
    for (const item of mapped.items) await applyItem(this.table.client, "items", item, "dual-write");
  }

  differences(): string[] {
    return this.world.differences(this.table.items.values());
  }
}

const slots = (maxLength: number) => fc.array(fc.nat(7), { maxLength });
const property = <T extends [unknown, ...unknown[]]>(
  arbitraries: { [K in keyof T]: fc.Arbitrary<T[K]> },
  check: (scheduler: fc.Scheduler, stage: Stage, ...values: T) => Promise<void>,
) =>
  fc.assert(
    fc.asyncProperty(fc.scheduler(), ...(arbitraries as [fc.Arbitrary<unknown>]), async (scheduler, ...values) => {
      const stage = new Stage(scheduler);
      await scheduler.waitFor(check(scheduler, stage, ...(values as unknown as T)));
    }),
    { numRuns },
  );

describe("Rows and items converge", function () {
  this.timeout(300_000);

  it("by backfill and binlog, in any order and more than once, beside forgotten workers, dual writes and repairs", () =>
    property<[Write[], Write[], number[], number[], boolean, number]>(
      [
        fc.array(write(), { maxLength: 8 }),
        fc.array(write(), { maxLength: 8 }),
        slots(4),
        slots(3),
        fc.boolean(),
        fc.nat(999),
      ],
      async (_scheduler, stage, before, during, dual, repairs, isForgotten, mix) => {
        for (const one of before) stage.write(one);
        const first = stage.worker();
        // Its every read and write may come long after another worker has taken over.
        const forgotten = isForgotten ? backfill(first) : undefined;
        const second = stage.worker();
        const mended = async () => {
          for (const slot of repairs) await repair({ ...second, keys: [stage.world.keyOf(slot)] });
        };
        const duals = async () => {
          for (const slot of dual) await stage.dualWrite(slot);
        };
        await Promise.all([forgotten, backfill(second), stage.writeAll(during), duals(), mended()]);
        // Everything from the beginning, in any order, some of it twice.
        const events = [...stage.world.events, ...stage.world.events.slice(0, mix % 4)];
        const shuffled = events.map((event, index) => ({ event, at: ((index + 1) * (mix + 7)) % 31 }));
        shuffled.sort((a, b) => a.at - b.at);
        const late = stage.worker();
        await Promise.all([
          ...shuffled.map(({ event }, index) =>
            (index % 3 ? second : late).sink.apply(SmallWorld.changeOf(event), "cdc"),
          ),
          stage.dualWrite(mix % 8),
        ]);
        assert.deepEqual(stage.differences(), []);
        const { differences } = await verify({ ...stage.worker(), caughtUp: async () => {} });
        assert.deepEqual(differences, none);
      },
    ));

  it("by backfill and dual writes alone, each of which reads the row as it is by then", () =>
    property<[Write[], Write[]]>(
      [fc.array(write(["delete", "epoch"]), { maxLength: 8 }), fc.array(write(["delete", "epoch"]), { maxLength: 10 })],
      async (_scheduler, stage, before, during) => {
        for (const one of before) stage.write(one);
        const writing = during.map(async (one) => {
          await stage.turn();
          stage.write(one);
          // The server that wrote it, and the drain that finds its entry in the outbox.
          await Promise.all([stage.dualWrite(one.slot), stage.dualWrite(one.slot)]);
        });
        await Promise.all([backfill(stage.worker()), ...writing]);
        assert.deepEqual(stage.differences(), []);
      },
    ));

  it("also when the worker dies at any point of the backfill, again and again", () =>
    property<[Write[], Write[], number[]]>(
      [
        fc.array(write(), { minLength: 1, maxLength: 8 }),
        fc.array(write(), { maxLength: 6 }),
        fc.array(fc.nat(60), { maxLength: 3 }),
      ],
      async (_scheduler, stage, before, during, deaths) => {
        for (const one of before) stage.write(one);
        const dying = async () => {
          for (const after of deaths) {
            const worker = stage.worker();
            let requests = 0;
            const mortal = <A extends unknown[], R>(work: (...given: A) => Promise<R>) => {
              return (...given: A) => (++requests > after ? Promise.reject(new Error("killed")) : work(...given));
            };
            const client = { send: mortal(worker.client.send.bind(worker.client) as never) } as never;
            const sink = createSink({ client, tableName: "items", fence: worker.journal.fence, log });
            const source = { rows: mortal(stage.database.rows.bind(stage.database)) };
            await backfill({ ...worker, sink, source }).catch((error: Error) => assert.equal(error.message, "killed"));
          }
          await backfill(stage.worker());
        };
        await Promise.all([dying(), stage.writeAll(during)]);
        const { sink } = stage.worker();
        await Promise.all(stage.world.events.map((event) => sink.apply(SmallWorld.changeOf(event), "cdc")));
        assert.deepEqual(stage.differences(), []);
      },
    ));

  it("and a verification meanwhile says nothing differs, as everything is on its way", () =>
    property<[Write[], Write[]]>(
      [fc.array(write(), { maxLength: 8 }), fc.array(write(), { maxLength: 8 })],
      async (_scheduler, stage, before, during) => {
        for (const one of before) stage.write(one);
        const worker = stage.worker();
        await backfill(worker);
        let applied = 0;
        let reading: Promise<void> = Promise.resolve();
        // One after the other, as they come.
        const follow = () => {
          reading = reading.then(async () => {
            while (applied < stage.world.events.length)
              await worker.sink.apply(SmallWorld.changeOf(stage.world.events[applied++] as never), "cdc");
          });
          return reading;
        };
        const verifying = verify({ ...worker, caughtUp: follow });
        await Promise.all([verifying, stage.writeAll(during).then(follow)]);
        assert.deepEqual((await verifying).differences, none, JSON.stringify(await mismatches(worker.journal)));
        assert.deepEqual(stage.differences(), []);
      },
    ));

  it("after whatever somebody did to the items, by a verification that finds it and a repair", () =>
    property<[Write[], { at: number; how: "lose" | "age" | "forge" | "raise" | "stray" }[], Write[]]>(
      [
        fc.array(write(["delete"]), { minLength: 1, maxLength: 8 }),
        fc.array(fc.record({ at: fc.nat(20), how: fc.constantFrom("lose", "age", "forge", "raise", "stray") }), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.array(write(["delete"]), { maxLength: 3 }),
      ],
      async (_scheduler, stage, writes, sabotage, during) => {
        for (const one of writes) stage.write(one);
        await backfill(stage.worker());
        for (const { at, how } of sabotage) damage(stage.table.items, at, how);
        const isDamaged = stage.differences().length > 0;
        const worker = stage.worker();
        const found = await verify({ ...worker, caughtUp: async () => {} });
        const differences = Object.values(found.differences).reduce((sum, count) => sum + count);
        assert.equal(differences > 0, isDamaged);
        const eventsBefore = stage.world.events.length;
        await Promise.all([repair(worker), stage.writeAll(during)]);
        const later = stage.world.events.slice(eventsBefore);
        await Promise.all(later.map((event) => worker.sink.apply(SmallWorld.changeOf(event), "cdc")));
        // What was repaired while its row changed may be behind: that is what a verification is made anew for.
        await forgetVerification(worker.journal);
        await verify({ ...worker, caughtUp: async () => {} });
        const report = await repair(worker);
        assert.deepEqual(report.left, []);
        assert.deepEqual(stage.differences(), []);
      },
    ));
});

/** Does something to an item behind everybody's back. */
function damage(items: Map<string, Item>, at: number, how: "lose" | "age" | "forge" | "raise" | "stray"): void {
  const place = [...items.keys()][at % items.size];
  const item = place === undefined ? undefined : items.get(place);
  if (place === undefined || !item) return;
  const version = versionOf(item);
  switch (how) {
    case "lose":
      return void items.delete(place);
    case "age":
      return void items.set(place, { ...item, version: { N: String(version - 1n) } });
    case "forge":
      return void items.set(place, {
        ...item,
        ...(item.created_at ? { created_at: { N: "99" } } : { version: { N: "3" } }),
      });
    case "raise":
      return void items.set(place, { ...item, version: { N: String(version + 3n) } });
    case "stray": {
      const key = { pk: { S: "u#900" }, sk: { S: `following#${"901".padStart(20, "0")}` } };
      const row = { follower_id: { S: "900" }, followee_id: { S: "901" }, created_at: { N: "1" } };
      const stray = { ...key, ...row, type: { S: "following" }, deleted: { BOOL: false }, version: { N: "7" } };
      items.set(`${key.pk.S} ${key.sk.S}`, stray);
    }
  }
}
