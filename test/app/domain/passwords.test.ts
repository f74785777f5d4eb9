import assert from "node:assert/strict";
import { Passwords, recommendedCost } from "../../../app/domain/passwords.ts";

const cheap = { N: 2, r: 8, p: 1 };

describe("Passwords", () => {
  it("are recognised by their hash, and others are not", async () => {
    const passwords = new Passwords({ cost: cheap });
    const hash = await passwords.hash("correct horse");
    assert.match(hash, /^scrypt\$2\$8\$1\$/);
    assert.equal(await passwords.verify("correct horse", hash), true);
    assert.equal(await passwords.verify("correct horsf", hash), false);
    assert.notEqual(await passwords.hash("correct horse"), hash);
  });

  it("are recognised after the cost has been raised", async () => {
    const hash = await new Passwords({ cost: cheap }).hash("correct horse");
    assert.equal(await new Passwords({ cost: { ...cheap, N: 4 } }).verify("correct horse", hash), true);
  });

  it("are the same however the keyboard composes them", async () => {
    const passwords = new Passwords({ cost: cheap });
    assert.equal(await passwords.verify("cafe\u0301 noir", await passwords.hash("caf\u00e9 noir")), true);
  });

  it("take as long to refuse for a name that nobody has", async function () {
    this.timeout(30_000);
    const passwords = new Passwords({ cost: { ...recommendedCost, p: 1 } });
    const hash = await passwords.hash("correct horse");
    const median = async (kept: string | undefined) => {
      const times: number[] = [];
      for (let run = 0; run < 15; run++) {
        const start = performance.now();
        assert.equal(await passwords.verify("wrong", kept), false);
        times.push(performance.now() - start);
      }
      return times.sort((a, b) => a - b)[7] as number;
    };
    const [known, unknown] = [await median(hash), await median(undefined)];
    assert.ok(unknown > known / 3 && unknown < known * 3, `known ${known} ms, unknown ${unknown} ms`);
  });

  it("that wait in too long a line are refused with 503", async () => {
    const passwords = new Passwords({ cost: cheap, concurrency: 1, queue: 2 });
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => passwords.hash("correct horse")));
    const refused = results.filter((result) => result.status === "rejected");
    assert.equal(refused.length, 2);
    assert.ok(refused.every(({ reason }) => reason.status === 503 && reason.retryAfter > 0));
    await passwords.hash("and the line is open again");
  });
});
