import assert from "node:assert/strict";
import fc from "fast-check";
import { RecordMoved } from "../../../app/store/record/item.ts";
import { type ControlHalf, type ItemHalf, RecordMover, WrongState } from "../../../app/store/record/mover.ts";
import {
  absentRecord,
  type Control,
  judge,
  moved,
  nextStates,
  readsFrom,
  recordStates,
  type StoreRecord,
} from "../../../app/store/record/states.ts";

const by = { who: "test", at: "2026-01-01T00:00:00Z" };

describe("The states of the record", () => {
  it("lead from each other only in order, and announce an epoch before anybody goes by it", () => {
    const path = ["fenced", "opening", "dynamodb", "closing", "fenced-back", "mysql", "fenced", "mysql"] as const;
    let record = absentRecord;
    const epochs = path.map((state) => (record = moved(record, state, { ...by, above: 1n })).epoch);
    assert.deepEqual(epochs, [2n, 2n, 2n, 2n, 3n, 3n, 4n, 4n]);
    assert.equal(record.version, path.length);
    for (const from of recordStates)
      for (const to of recordStates)
        if (!nextStates(from).includes(to))
          assert.throws(() => moved({ ...absentRecord, state: from }, to, by), /cannot go from/, `${from} to ${to}`);
  });

  it("are told by either half where it claims the record, and by both where none does", () => {
    const control = (record: Control["record"]): Control => ({ record, epoch: 3n });
    const item = (state: StoreRecord["state"]): StoreRecord => ({ ...absentRecord, state, epoch: 3n });
    for (const state of recordStates) {
      assert.equal(judge(control("mysql"), item(state))?.writes, "mysql");
      for (const record of ["moving", "dynamodb"] as const) {
        const verdict = judge(control(record), item(state));
        assert.equal(verdict?.writes, state === "dynamodb" ? "dynamodb" : undefined);
        assert.equal(verdict?.reads, readsFrom(state));
      }
      assert.equal(judge(undefined, item(state))?.reads, readsFrom(state) === "dynamodb" ? "dynamodb" : undefined);
      assert.equal(judge(control("moving"), undefined), undefined);
    }
    assert.deepEqual(judge(control("mysql"), undefined), {
      state: "mysql",
      reads: "mysql",
      writes: "mysql",
      epoch: 3n,
    });
  });
});

/** Both halves in memory, which look at each other after every change. */
class Halves {
  item: StoreRecord = absentRecord;
  control: Control = { record: "mysql", epoch: 1n };
  /** Stores that took writes, with the epochs that those had, in order. */
  readonly reigns = ["mysql 1"];

  readonly itemHalf: ItemHalf = {
    read: async () => this.item,
    move: async (from, to, move) => {
      if (this.item.version !== from.version) throw new RecordMoved(from, this.item);
      this.item = moved(from, to, move);
      this.#check();
      return this.item;
    },
  };

  readonly controlHalf: ControlHalf = {
    read: async () => this.control,
    fence: async (epoch) =>
      this.#set("moving", epoch, this.control.record !== "dynamodb" && this.control.epoch < epoch),
    give: async (epoch) =>
      this.#set(
        "mysql",
        epoch,
        this.control.epoch < epoch || (this.control.epoch === epoch && this.control.record === "moving"),
      ),
    note: async (epoch) =>
      this.#set("dynamodb", epoch, this.control.record === "moving" && this.control.epoch === epoch),
  };

  #set(record: Control["record"], epoch: bigint, isOurs: boolean): Control {
    if (isOurs) this.control = { record, epoch };
    this.#check();
    return this.control;
  }

  #check(): void {
    const halves = `${JSON.stringify(this.item.state)} ${this.item.epoch}, ${this.control.record} ${this.control.epoch}`;
    // What lets a server rely on one half alone.
    if (this.control.record === "mysql") assert.equal(readsFrom(this.item.state), "mysql", halves);
    const { writes, epoch } = judge(this.control, this.item) ?? {};
    const reign = `${writes} ${epoch}`;
    if (!writes || this.reigns.at(-1) === reign) return;
    const previous = BigInt(this.reigns.at(-1)?.split(" ")[1] as string);
    assert.ok((epoch as bigint) > previous, `${reign} after ${this.reigns.at(-1)}`);
    this.reigns.push(reign);
  }
}

const steps = ["fence", "lift", "open", "flip", "note", "close", "reopen", "openBack", "flipBack"] as const;
type Step = (typeof steps)[number];

describe("Those who move the record", function () {
  this.timeout(60_000);

  /** Steps of one coordinator; most follow their plan, some do anything. */
  const plan = fc.oneof(
    fc.constant<Step[]>(["fence", "open", "flip", "note"]),
    fc.constant<Step[]>(["close", "openBack", "flipBack"]),
    fc.constant<Step[]>(["fence", "lift"]),
    fc.array(fc.constantFrom(...steps), { maxLength: 8 }),
  );
  const plans = fc.array(fc.array(plan, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 4 });
  /** Who comes how far before another does: one who stands still in between acts on what was true long ago. */
  const bursts = fc.array(fc.record({ who: fc.nat(3), calls: fc.integer({ min: 1, max: 25 }) }), { maxLength: 30 });

  it("never give it to two stores, and never an epoch twice, however late, doubled or dead they are", () =>
    fc.assert(
      fc.asyncProperty(plans, bursts, async (coordinators, order) => {
        const halves = new Halves();
        const turns = coordinators.map(() => new Turns());
        let running = coordinators.length;
        const all = coordinators.map((mine, index) =>
          run(moverOf(halves, turns[index]), mine.flat()).finally(() => running--),
        );
        const failed = Promise.all(all);
        failed.catch(() => {}); // awaited below
        for (const { who, calls } of order) await turns[who % turns.length]?.take(calls);
        while (running > 0) for (const each of turns) await each.take(1);
        await failed;
        await bringToRest(halves);
      }),
      { numRuns: 6000 },
    ));

  it("can be followed by the next, onwards or back, after dying anywhere", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...steps), { maxLength: 12 }),
        fc.nat(40),
        fc.constantFrom("mysql", "dynamodb"),
        async (mine, calls, goal) => {
          const halves = new Halves();
          await run(dyingAfter(halves, calls), mine);
          const next = moverOf(halves);
          await (goal === "mysql" ? toMysql(next) : toDynamo(next));
          assert.equal(judge(halves.control, halves.item)?.writes, goal);
        },
      ),
      { numRuns: 2000 },
    ));
});

/** Lets somebody's calls happen one by one. */
class Turns {
  #waiting: (() => void) | undefined;

  wait(): Promise<void> {
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  async take(calls: number): Promise<void> {
    for (let taken = 0; taken < calls; taken++) {
      this.#waiting?.();
      this.#waiting = undefined;
      await new Promise((resolve) => setImmediate(resolve));
      if (!this.#waiting) return;
    }
  }
}

function moverOf(halves: Halves, turns?: Turns): RecordMover {
  const inTurn = <T extends object>(half: T): T =>
    before(half, async () => {
      await turns?.wait();
    });
  const [item, control] = [inTurn(halves.itemHalf), inTurn(halves.controlHalf)];
  return new RecordMover({ item, control, who: "coordinator", settle: async () => {} });
}

/** The half with something done before each call. */
function before<T extends object>(half: T, first: () => Promise<void>): T {
  const calls = Object.entries(half).map(([name, call]: [string, (...given: unknown[]) => Promise<unknown>]) => {
    const later = async (...given: unknown[]) => {
      await first();
      return call(...given);
    };
    return [name, later];
  });
  return Object.fromEntries(calls) as T;
}

class Died extends Error {}

function dyingAfter(halves: Halves, calls: number): RecordMover {
  let left = calls;
  const mortal = <T extends object>(half: T): T =>
    before(half, async () => {
      if (left-- <= 0) throw new Died();
    });
  const [item, control] = [mortal(halves.itemHalf), mortal(halves.controlHalf)];
  return new RecordMover({ item, control, who: "mortal", settle: async () => {} });
}

/** Takes steps, those that are not possible too. */
async function run(mover: RecordMover, mine: readonly Step[]): Promise<void> {
  for (const step of mine)
    await mover[step]().catch((error: unknown) => {
      const isExpected = error instanceof WrongState || error instanceof RecordMoved || error instanceof Died;
      if (!isExpected) throw error;
    });
}

async function toMysql(mover: RecordMover): Promise<void> {
  const { item } = await mover.standing();
  if (item.state === "opening") await mover.flip();
  if (readsFrom(item.state) === "dynamodb") {
    await mover.close();
    await mover.openBack();
  }
  if (readsFrom(item.state) === "dynamodb" || item.state === "fenced-back") await mover.flipBack();
  else await mover.lift();
}

async function toDynamo(mover: RecordMover): Promise<void> {
  const { item } = await mover.standing();
  if (item.state === "closing") return void (await mover.reopen());
  if (readsFrom(item.state) === "mysql") await mover.fence();
  await mover.open().catch(() => {}); // already there
  await mover.flip();
}

/** Somebody always comes and finishes. */
async function bringToRest(halves: Halves): Promise<void> {
  await toDynamo(moverOf(halves));
  await toMysql(moverOf(halves));
  assert.equal(judge(halves.control, halves.item)?.writes, "mysql");
}
