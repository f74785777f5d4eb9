import assert from "node:assert/strict";
import { keys } from "../../../app/store/dynamodb/keys.ts";
import { sharedEmulator } from "../../support/test-dynamo.ts";
import { HomeFixture } from "./home-fixture.ts";

describe("Home timelines on DynamoDB", function () {
  this.timeout(180_000);
  let fixture: HomeFixture;

  before(async function start() {
    this.timeout(120_000);
    await sharedEmulator();
    fixture = await HomeFixture.start({ threshold: 4 });
    fixture.pump.start();
  });
  after(() => fixture?.pump.stop());

  it("are built at the first read, and fed by the stream from then on", async () => {
    const [me, friend] = (await fixture.users(2)) as [string, string];
    await fixture.follow(me, friend);
    const posts = [await fixture.post(friend)];
    await fixture.pump.settle();
    assert.deepEqual(await fixture.stored(me), { entries: [], pulls: [], floor: -1n, contents: [] });
    assert.deepEqual(await fixture.home(me), posts);
    posts.unshift(await fixture.post(friend), await fixture.post(me));
    posts.sort().reverse();
    await fixture.pump.settle();
    assert.deepEqual(await fixture.home(me), posts);
    const { entries, pulls, floor } = await fixture.stored(me);
    assert.equal(entries.length, 2);
    assert.deepEqual({ pulls, floor }, { pulls: [], floor: 0n });
  });

  it("show whom one follows at once, before the stream brings their posts", async () => {
    const [me, friend, other] = (await fixture.users(3)) as [string, string, string];
    assert.deepEqual(await fixture.home(me), []);
    const posts = [await fixture.post(friend), await fixture.post(other), await fixture.post(friend)].reverse();
    await fixture.pump.settle();
    await fixture.follow(me, friend);
    await fixture.follow(me, other);
    assert.deepEqual(await fixture.home(me), posts);
    await fixture.pump.settle();
    assert.deepEqual(await fixture.home(me), posts);
    const { entries, pulls } = await fixture.stored(me);
    assert.deepEqual({ entries, pulls }, { entries: posts, pulls: [] });
  });

  it("lose whom one follows no more and what is deleted at once, and soon the entries too", async () => {
    const [me, friend, other] = (await fixture.users(3)) as [string, string, string];
    await fixture.follow(me, friend);
    await fixture.follow(me, other);
    const [kept, gone] = [await fixture.post(friend), await fixture.post(friend)] as [string, string];
    await fixture.post(other);
    assert.equal((await fixture.home(me)).length, 3);
    await fixture.pump.settle();
    assert.equal((await fixture.stored(me)).entries.length, 3);
    await fixture.follow(me, other, false);
    await fixture.store.deletePost(gone, friend);
    assert.deepEqual(await fixture.home(me), [kept]);
    await fixture.pump.settle();
    const { entries, pulls } = await fixture.stored(me);
    assert.deepEqual({ entries, pulls }, { entries: [kept], pulls: [] });
  });

  it("end up right when one follows, unfollows and follows again faster than the stream", async () => {
    const [me, friend] = (await fixture.users(2)) as [string, string];
    await fixture.home(me);
    const posts = [await fixture.post(friend)];
    for (const holds of [true, false, true, false, true]) await fixture.follow(me, friend, holds);
    posts.unshift(await fixture.post(friend));
    assert.deepEqual(await fixture.home(me), posts);
    await fixture.pump.settle();
    assert.deepEqual(await fixture.home(me), posts);
    const { entries, pulls } = await fixture.stored(me);
    assert.deepEqual({ entries, pulls }, { entries: posts, pulls: [] });
    await fixture.follow(me, friend, false);
    await fixture.pump.settle();
    assert.deepEqual((await fixture.stored(me)).entries, []);
  });

  it("pull authors of many followers, once and for good", async () => {
    const [author, ...fans] = (await fixture.users(8)) as [string, ...string[]];
    const [early, late] = [fans.slice(0, 4), fans.slice(4)];
    for (const fan of early) {
      await fixture.home(fan);
      await fixture.follow(fan, author);
    }
    const posts = [await fixture.post(author)];
    await fixture.pump.settle();
    assert.deepEqual((await fixture.stored(fans[0] as string)).entries, posts);
    for (const fan of late.slice(0, 2)) {
      await fixture.home(fan);
      await fixture.follow(fan, author);
    }
    posts.unshift(await fixture.post(author));
    await fixture.pump.settle();
    await fixture.follow(late[2] as string, author);
    posts.unshift(await fixture.post(author));
    await fixture.pump.settle();
    for (const fan of fans) {
      assert.deepEqual(await fixture.home(fan), posts);
      const { entries, pulls } = await fixture.stored(fan);
      assert.deepEqual(pulls, [author]);
      assert.equal(entries.includes(posts[0] as string), false);
    }
    for (const fan of fans.slice(1)) await fixture.follow(fan, author, false);
    posts.unshift(await fixture.post(author));
    await fixture.pump.settle();
    assert.deepEqual(await fixture.home(fans[0] as string), posts);
    assert.deepEqual((await fixture.stored(fans[0] as string)).pulls, [author]);
    const { entries, pulls } = await fixture.stored(fans[1] as string);
    assert.deepEqual({ entries, pulls }, { entries: [], pulls: [] });
  });

  it("tell every follower that an author is pulled, even when cut short", async () => {
    const [author, ...fans] = (await fixture.users(6)) as [string, ...string[]];
    for (const fan of fans) {
      await fixture.home(fan);
      await fixture.follow(fan, author);
    }
    await fixture.pump.settle();
    // As if the function had ended right after its first word.
    const { pk, sk } = keys.pulled(author);
    const cutShort = { pk: { S: pk }, sk: { S: sk }, type: { S: "pulled" }, told: { BOOL: false } };
    await fixture.made.table.writeAll({ puts: [cutShort] });
    const post = await fixture.post(author);
    await fixture.pump.settle();
    for (const fan of fans) {
      assert.deepEqual((await fixture.stored(fan)).pulls, [author]);
      assert.deepEqual(await fixture.home(fan), [post]);
    }
  });

  it("keep the newest 800 entries and go on below them from the authors' own timelines", async () => {
    const [me, busy, quiet, late] = (await fixture.users(4)) as [string, string, string, string];
    await fixture.follow(me, busy);
    await fixture.follow(me, quiet);
    const posts = [
      ...(await fixture.applied(quiet, 3)),
      ...(await fixture.applied(busy, 700)),
      ...(await fixture.applied(quiet, 2)),
      ...(await fixture.applied(busy, 300)),
    ].reverse();
    assert.deepEqual(await fixture.wholeHome(me), posts);
    const built = await fixture.stored(me);
    assert.deepEqual(built.entries, posts.slice(0, 800));
    assert.equal(built.floor, BigInt(posts[800] as string));
    // Another author's many posts come in by a follow.
    posts.unshift(...(await fixture.applied(late, 400)).reverse());
    await fixture.follow(me, late);
    await fixture.pump.settle();
    const trimmed = await fixture.stored(me);
    assert.deepEqual(trimmed.entries, posts.slice(0, 800));
    assert.equal(trimmed.floor, BigInt(posts[800] as string));
    assert.deepEqual(await fixture.wholeHome(me), posts);
    assert.deepEqual(await fixture.wholeHome(me, 37), posts);
  });

  it("are built anew when this store becomes the record again: what the other wrote is not fanned out", async () => {
    const [me, friend] = (await fixture.users(2)) as [string, string];
    await fixture.follow(me, friend);
    const posts = [await fixture.post(friend)];
    assert.deepEqual(await fixture.home(me), posts);
    await fixture.pump.settle();
    posts.unshift(...(await fixture.applied(friend, 2)).reverse());
    await fixture.pump.settle();
    assert.equal((await fixture.stored(me)).entries.length, 1);
    fixture.epoch += 2n;
    assert.deepEqual(await fixture.home(me), posts);
    posts.unshift(await fixture.post(friend));
    await fixture.pump.settle();
    assert.deepEqual(await fixture.home(me), posts);
    assert.deepEqual((await fixture.stored(me)).entries, posts);
  });
});

describe("Fan-out on DynamoDB", function () {
  this.timeout(120_000);

  it("changes nothing when records come again, from any point on", async () => {
    const fixture = await HomeFixture.start({ threshold: 3 });
    fixture.pump.start();
    const people = await fixture.users(6);
    for (const person of people) await fixture.home(person);
    const posts: [string, string][] = [];
    for (let step = 0; step < 60; step++) {
      const [a, b] = [people[step % 6], people[(step * step + 1) % 6]] as [string, string];
      if (step % 3 > 0 && a !== b) await fixture.follow(a, b, step % 4 > 0);
      else posts.push([await fixture.post(b), b]);
      const [id, author] = posts[step % posts.length] as [string, string];
      if (step % 10 === 9) await fixture.store.deletePost(id, author);
    }
    await fixture.pump.settle();
    const all = () => Promise.all(people.map(async (person) => (await fixture.stored(person)).contents));
    const before = await all();
    const homes = await Promise.all(people.map((person) => fixture.home(person)));
    await fixture.pump.stop();
    for (const from of [0, 20, 50]) await fixture.work(fixture.pump.records.slice(from));
    assert.deepEqual(await Promise.all(people.map((person) => fixture.home(person))), homes);
    // An entry of a post deleted since may be back until its deletion comes again, but that has come too.
    assert.deepEqual(await all(), before);
  });
});
