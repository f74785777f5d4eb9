import assert from "node:assert/strict";
import fc from "fast-check";
import { firstVersion, makeVersion, nextVersion, splitVersion } from "../../../app/domain/version.ts";

const epoch = fc.bigInt({ min: 0n, max: 2n ** 24n - 1n });
const count = fc.bigInt({ min: 0n, max: 2n ** 40n - 1n });

describe("Versions", () => {
  it("hold an epoch and a count within 64 bits", () => {
    fc.assert(
      fc.property(epoch, count, (epoch, count) => {
        const version = makeVersion(epoch, count);
        assert.ok(version < 2n ** 64n);
        assert.deepEqual(splitVersion(version), { epoch, count });
      }),
    );
  });

  it("are ordered by epoch, then by count", () => {
    fc.assert(
      fc.property(epoch, count, epoch, count, (epochA, countA, epochB, countB) => {
        const isLess = epochA < epochB || (epochA === epochB && countA < countB);
        assert.equal(makeVersion(epochA, countA) < makeVersion(epochB, countB), isLess);
      }),
    );
  });

  it("grow with every change, also when the epoch is raised or an old epoch still writes", () => {
    const change = fc.tuple(epoch, count, epoch).filter(([, count]) => count < 2n ** 40n - 1n);
    fc.assert(
      fc.property(change, ([before, count, now]) => {
        const current = makeVersion(before, count);
        const next = nextVersion(current, now);
        assert.ok(next > current);
        assert.ok(next >= firstVersion(now));
      }),
    );
  });

  it("refuse what does not fit", () => {
    assert.throws(() => makeVersion(2n ** 24n, 0n), /epoch 16777216 is not within 0\.\.16777215/);
    assert.throws(() => makeVersion(0n, 2n ** 40n), /change count/);
  });
});
