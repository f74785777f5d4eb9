import assert from "node:assert/strict";
import { Pacer } from "../../../app/migration/sink/pacer.ts";
import { Rate } from "../../../app/migration/sink/rate.ts";

interface Table {
  /** Items per second that are taken at a time in seconds. */
  readonly capacity: (second: number) => number;
  /** Milliseconds until an answer. */
  readonly latency: number;
}

/** Sends as the sink does, on a clock of its own; returns what was taken and refused in each second. */
function send(seconds: number, { capacity, latency }: Table): { taken: number; refused: number }[] {
  let now = 0;
  const pacer = new Pacer(() => now);
  const counts = Array.from({ length: seconds }, () => ({ taken: 0, refused: 0 }));
  let saved = 0;
  let underWay: { answered: number; since: number; items: number; refused: number }[] = [];
  for (; now < seconds * 1000; now++) {
    const most = capacity(now / 1000);
    saved = Math.min(Math.max(1, most / 5), saved + most / 1000);
    for (const request of underWay)
      if (request.answered <= now) pacer.settled(request.items, request.since, request.refused);
    underWay = underWay.filter(({ answered }) => answered > now);
    while (underWay.length < 8 && pacer.wait(25) === 0) {
      const items = Math.min(25, pacer.room);
      const taken = Math.min(items, Math.floor(saved));
      saved -= taken;
      const count = counts[Math.floor(now / 1000)] as { taken: number; refused: number };
      count.taken += taken;
      count.refused += items - taken;
      underWay.push({ answered: now + latency, since: pacer.sent(items), items, refused: items - taken });
    }
  }
  return counts;
}

function sum(counts: { taken: number; refused: number }[]) {
  return counts.reduce((a, b) => ({ taken: a.taken + b.taken, refused: a.refused + b.refused }));
}

describe("Pacing of writes", () => {
  for (const capacity of [10, 50, 200, 1000])
    for (const latency of [5, 100])
      it(`takes most of ${capacity} items/s, answered in ${latency} ms, and is seldom refused`, () => {
        const { taken, refused } = sum(send(60, { capacity: () => capacity, latency }).slice(10));
        assert.ok(taken >= capacity * 50 * 0.7, `took ${taken} of ${capacity * 50}`);
        assert.ok(refused <= 0.1 * taken + 100, `${refused} refused, ${taken} taken`);
      });

  it("follows a table that takes less from one moment to the next, and more again", () => {
    const counts = send(90, { capacity: (second) => (second >= 20 && second < 40 ? 100 : 1000), latency: 20 });
    const less = sum(counts.slice(22, 40));
    assert.ok(less.taken >= 100 * 18 * 0.7, `took ${less.taken}`);
    assert.ok(less.refused <= 0.1 * less.taken, `${less.refused} refused`);
    const after = sum(counts.slice(80));
    assert.ok(after.taken >= 1000 * 10 * 0.7, `took ${after.taken} of 10000 forty seconds later`);
  });

  it("goes on trying a table that takes nothing, but seldom, and takes what comes after", () => {
    const counts = send(60, { capacity: (second) => (second >= 5 && second < 30 ? 0 : 500), latency: 20 });
    const none = sum(counts.slice(10, 30));
    assert.ok(none.refused > 0 && none.refused / 20 < 30, `${none.refused} refused in 20 s`);
    assert.ok(sum(counts.slice(50)).taken > 10 * 500 * 0.6);
  });

  it("sends without a limit that matters where nothing is refused", () => {
    assert.ok(sum(send(20, { capacity: () => 1e9, latency: 5 }).slice(5)).taken > 15 * 20_000);
  });

  it("knows a rate of late", () => {
    let now = 0;
    const rate = new Rate({ span: 2, now: () => now });
    assert.equal(rate.perSecond(), 0);
    for (; now < 10_000; now += 10) rate.add(1);
    assert.ok(Math.abs(rate.perSecond() - 100) < 2, String(rate.perSecond()));
    now += 1000;
    assert.ok(Math.abs(rate.perSecond() - 50) < 8, String(rate.perSecond()));
    now += 5000;
    assert.equal(rate.perSecond(), 0);
  });
});
