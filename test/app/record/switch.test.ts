import assert from "node:assert/strict";
import { differences } from "../../support/both-stores.ts";
import type { ServerProcess } from "../../support/server-process.ts";
import { sharedEmulator } from "../../support/test-dynamo.ts";
import { until } from "../../support/wait.ts";
import { Crowd } from "./crowd.ts";
import { type Servers, serversOver, type TwoStores, twoStores } from "./fixture.ts";

/** Milliseconds that writes may wait for a switch, at the 99th percentile: the product's promise. */
const promised = 2000;

describe("A switch under load", function () {
  this.timeout(180_000);
  let stores: TwoStores;
  let servers: Servers;
  let fleet: ServerProcess[];
  let crowd: Crowd;

  before(async () => {
    await sharedEmulator();
    stores = await twoStores();
    servers = await serversOver(stores);
    fleet = [await servers.start(), await servers.start(), await servers.start()];
    crowd = new Crowd(() => fleet.map(({ url }) => url));
    await crowd.signUp(6);
  });
  after(() => servers?.stop());

  const live = (posts: number) => {
    const goal = crowd.posts + posts;
    return until(() => crowd.posts >= goal, { timeout: 60_000, describe: `${posts} more posts` });
  };

  it("and back, twice, fails nothing, loses nothing, doubles nothing, and every server reads what any has written", async () => {
    crowd.start();
    await live(40);
    for (const move of [stores.switchOver, stores.switchBack, stores.switchOver, stores.switchBack]) {
      crowd.writes = [];
      const carrying = await move();
      await live(40);
      const writes = crowd.writes.sort((a, b) => a - b);
      const slowest = writes.at(Math.floor(writes.length * 0.99)) as number;
      // How long the last rows take is the migration's affair.
      assert.ok(slowest < promised + carrying, `the 99th percentile of writes is ${Math.round(slowest)} ms`);
    }
    await crowd.stop();
    assert.deepEqual(crowd.failures, []);
    for (const { url } of fleet) await crowd.check(url);
    await stores.ferry.toDynamo();
    assert.deepEqual(await differences(stores.database, stores.made), []);
  });

  it("that is called off leaves MySQL the record, and nobody has noticed but by waiting", async () => {
    crowd.start();
    const mover = stores.mover();
    await mover.fence();
    const before = crowd.posts;
    await stores.ferry.toDynamo();
    await mover.lift();
    await until(() => crowd.posts > before + 20, { describe: "people post again" });
    await crowd.stop();
    assert.deepEqual(crowd.failures, []);
    for (const { url } of fleet) await crowd.check(url);
    const { control, item } = await mover.standing();
    assert.deepEqual([control.record, item.state], ["mysql", "mysql"]);
  });
});
