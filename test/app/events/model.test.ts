import assert from "node:assert/strict";
import fc from "fast-check";
import { sharedEmulator } from "../../support/test-dynamo.ts";
import { HomeFixture } from "./home-fixture.ts";

const people = 4;
const person = fc.nat(people - 1);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("post" as const), by: person }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), which: fc.nat(9) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("follow" as const), by: person, whom: person, holds: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("home" as const), by: person }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("settle" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("epoch" as const) }) },
);

describe("Home timelines while the stream is behind", function () {
  this.timeout(300_000);
  let fixture: HomeFixture;

  before(async () => {
    await sharedEmulator();
    // Low enough that authors come to be pulled on the way.
    fixture = await HomeFixture.start({ threshold: 2 });
    fixture.pump.start();
  });
  after(() => fixture?.pump.stop());

  it("never show what they must not, lack at most what was just posted, and end up complete", () =>
    fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const users = await fixture.users(people);
        const id = (index: number) => users[index] as string;
        const posts: { id: string; author: number; deleted: boolean; settled: boolean }[] = [];
        const follows = users.map(() => new Set<number>());
        const visible = (viewer: number) =>
          posts.filter(({ author, deleted }) => !deleted && (author === viewer || follows[viewer]?.has(author)));

        async function check(viewer: number): Promise<void> {
          const seen = await fixture.home(id(viewer));
          const allowed = visible(viewer).reverse();
          const must = allowed.filter(({ author, settled }) => settled || author === viewer);
          assert.deepEqual(
            seen.filter((post) => !allowed.some((other) => other.id === post)),
            [],
            "shown, but must not be",
          );
          assert.deepEqual(
            must.filter((post) => !seen.includes(post.id)),
            [],
            "not shown, but must be",
          );
          const order = allowed.map((post) => post.id).filter((post) => seen.includes(post));
          assert.deepEqual(seen, order);
        }

        for (const change of steps) {
          const chosen = change.kind === "delete" ? posts.at(-1 - change.which) : undefined;
          if (change.kind === "post")
            posts.push({ id: await fixture.post(id(change.by)), author: change.by, deleted: false, settled: false });
          else if (change.kind === "follow" && change.by !== change.whom) {
            await fixture.follow(id(change.by), id(change.whom), change.holds);
            follows[change.by]?.[change.holds ? "add" : "delete"](change.whom);
          } else if (chosen && !chosen.deleted) {
            await fixture.store.deletePost(chosen.id, id(chosen.author));
            chosen.deleted = true;
          } else if (change.kind === "home") await check(change.by);
          else if (change.kind === "epoch") fixture.epoch += 1n;
          else if (change.kind === "settle") {
            await fixture.pump.settle();
            for (const post of posts) post.settled = true;
          }
        }
        await fixture.pump.settle();
        for (const viewer of users.keys())
          assert.deepEqual(
            await fixture.home(id(viewer)),
            visible(viewer)
              .map((post) => post.id)
              .reverse(),
          );
      }),
      { numRuns: 25 },
    ));
});
