import assert from "node:assert/strict";
import fc from "fast-check";
import type { MappedRow } from "../../../app/migration/model.ts";
import { repair } from "../../../app/migration/repair.ts";
import { rowsByKey } from "../../../app/migration/table-rows.ts";
import { backfill } from "../../../app/migration/backfill.ts";
import { verify } from "../../../app/migration/verify/verify.ts";
import { applyItem } from "../../../app/store/dynamodb/apply.ts";
import { keyOf } from "../../../app/store/dynamodb/mapping.ts";
import { placeOf } from "../../../app/migration/verify/judge.ts";
import { injectFaults } from "../../support/faults.ts";
import { differences, log, type Migrated, startMigration } from "./fixture.ts";
import { SmallWorld, type Write, write } from "./small-world.ts";

const never = new AbortController().signal;
const none = { lagging: 0, stale: 0, missing: 0, extra: 0, mapping: 0, conflict: 0 };

/** What is done with a row of the world, by whom; `event` redelivers one of the changes so far. */
interface Step {
  readonly by: "writer" | "backfill" | "event" | "dual-write" | "repair" | "forgotten";
  readonly write: Write;
  readonly pick: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  by: fc.constantFrom("writer", "writer", "writer", "backfill", "event", "dual-write", "repair", "forgotten"),
  write: write(),
  pick: fc.nat(100),
});

describe("Rows and items converge on a real database and table", function () {
  this.timeout(300_000);
  let made: Migrated;
  let worlds = 0;

  before(async () => {
    made = await startMigration();
    injectFaults(made.target.client, { throttled: 0.002, lost: 0.005 });
  });
  after(() => made.close());

  const rowNow = async (world: SmallWorld, slot: number): Promise<MappedRow | undefined> => {
    const key = world.keyOf(slot);
    return (await rowsByKey(made.source, [key])).get(key)?.mapped as MappedRow | undefined;
  };

  /** Writes the change where the service would. */
  async function store(world: SmallWorld, one: Write): Promise<void> {
    const images = world.write(one);
    if (!images) return;
    const { table } = world.slots[one.slot] as SmallWorld["slots"][number];
    const row = world.rows.get(one.slot);
    if (row) {
      const again = Object.keys(row).map((column) => `${column} = VALUES(${column})`);
      await made.connection.query(`INSERT INTO ${table} SET ? ON DUPLICATE KEY UPDATE ${again.join(", ")}`, [row]);
    } else {
      const [, ...key] = world.keyOf(one.slot).split("/");
      const columns = { follows: ["follower_id", "followee_id"], likes: ["user_id", "post_id"] } as Record<
        string,
        string[]
      >;
      if (table === "sessions") await made.connection.query("DELETE FROM sessions WHERE user_id = ?", [key[0]]);
      else {
        const where = (columns[table] ?? ["id"]).map((column) => `${column} = ?`).join(" AND ");
        await made.connection.query(`DELETE FROM ${table} WHERE ${where}`, key);
      }
    }
  }

  it("whoever writes what, in any order, with throttling and lost answers", async () => {
    const { client } = made.target;
    const tableName = made.target.table.name;
    const forgotten = await made.next();
    const current = await made.next();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), fc.nat(30), async (steps, mix) => {
        const world = new SmallWorld(10_000_000_000_000_000_000n + BigInt(++worlds) * 1000n);
        const running: Promise<unknown>[] = [];
        for (const { by, write: one, pick } of steps) {
          const event = world.events[pick % Math.max(1, world.events.length)];
          if (by === "writer") await store(world, one);
          else if (by === "event") {
            if (event) running.push(current.sink.apply(SmallWorld.changeOf(event), "cdc"));
          } else if (by === "dual-write")
            running.push(
              rowNow(world, one.slot).then(async (row) => {
                // Servers give up what goes wrong: the outbox still has it.
                for (const item of row?.items ?? [])
                  await applyItem(client, tableName, item, "dual-write").catch(() => {});
              }),
            );
          else if (by === "repair")
            running.push(
              repair({ ...made, ...current, client, tableName, keys: [world.keyOf(one.slot)], signal: never, log }),
            );
          else {
            const row = await rowNow(world, one.slot);
            const { sink } = by === "forgotten" ? forgotten : current;
            if (row) running.push(sink.insert([row], "backfill"));
          }
        }
        const shuffled = world.events.map((event, index) => ({ event, at: ((index + 1) * (mix + 7)) % 31 }));
        shuffled.sort((a, b) => a.at - b.at);
        running.push(...shuffled.map(({ event }) => current.sink.apply(SmallWorld.changeOf(event), "cdc")));
        await Promise.all(running);
        for (const slot of world.slots.keys()) {
          const row = await rowNow(world, slot);
          assert.deepEqual(row, world.mapped(slot));
        }
        const places = world.events.flatMap((event) => SmallWorld.changeOf(event).items);
        const found = await made.target.table.getAll(places.map(keyOf));
        const items = new Map(places.map((item) => [placeOf(item), found.at(keyOf(item))]));
        assert.deepEqual(world.differences([...items.values()].filter((item) => item !== undefined)), []);
      }),
      { numRuns: 250 },
    );
    // All of them at once, by the tools themselves.
    await backfill({ ...made, ...current, signal: never });
    const found = await verify({ ...made, ...current, client, tableName, caughtUp: async () => {}, signal: never });
    assert.deepEqual(found.differences, none);
    assert.deepEqual(await differences(made), []);
  });
});
