import assert from "node:assert/strict";
import fc from "fast-check";
import {
  makeSnowflake,
  Snowflakes,
  snowflakeEpoch,
  splitSnowflake,
  workerCount,
} from "../../../app/domain/snowflake.ts";

const start = snowflakeEpoch + 1_000_000_000;
const always = { from: snowflakeEpoch, until: start + 10_000_000 };

describe("Snowflake ids", function () {
  this.timeout(20_000); // generated cases, on a machine that may be busy
  it("hold their time, worker number and sequence", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 41 - 1 }),
        fc.integer({ min: 0, max: workerCount - 1 }),
        fc.integer({ min: 0, max: 4095 }),
        (milliseconds, worker, sequence) => {
          const id = makeSnowflake(snowflakeEpoch + milliseconds, worker, sequence);
          assert.ok(id < 2n ** 63n);
          assert.deepEqual(splitSnowflake(String(id)), { time: snowflakeEpoch + milliseconds, worker, sequence });
        },
      ),
    );
  });

  it("only ever grow, whatever the clock does", () => {
    const jumps = fc.array(fc.integer({ min: -5000, max: 5000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(jumps, (steps) => {
        let now = start;
        const ids = new Snowflakes(() => now);
        ids.use({ worker: 7, ...always });
        let last = 0n;
        for (const step of steps) {
          now += step;
          const id = BigInt(ids.next());
          assert.ok(id > last);
          last = id;
        }
      }),
    );
  });

  it("keep growing through more ids than fit one millisecond", () => {
    const ids = new Snowflakes(() => start);
    ids.use({ worker: 1, ...always });
    const made = Array.from({ length: 10_000 }, () => BigInt(ids.next()));
    assert.equal(new Set(made).size, 10_000);
    assert.ok(made.every((id, index) => index === 0 || id > (made[index - 1] as bigint)));
  });

  it("stay within the window, whatever the clock says", () => {
    const clock = fc.integer({ min: start - 100_000, max: start + 100_000 });
    fc.assert(
      fc.property(clock, fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 6000 }), (now, length, count) => {
        const ids = new Snowflakes(() => now);
        const window = { worker: 3, from: start, until: start + length };
        ids.use(window);
        for (let made = 0; made < count; made++) {
          let id: string;
          try {
            id = ids.next();
          } catch (error) {
            assert.equal((error as { code: string }).code, "unavailable");
            return;
          }
          const { time, worker } = splitSnowflake(id);
          assert.ok(time >= window.from && time <= window.until);
          assert.equal(worker, 3);
        }
      }),
    );
  });

  it("are not made without a window", () => {
    const ids = new Snowflakes(() => start);
    assert.throws(() => ids.next(), { status: 503 });
    ids.use({ worker: 0, ...always });
    ids.next();
    ids.use(undefined);
    assert.throws(() => ids.next(), { status: 503 });
  });
});
