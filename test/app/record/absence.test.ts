import assert from "node:assert/strict";
import type { RowDataPacket } from "mysql2/promise";
import type { OpenStore } from "../../../app/store/mysql/open.ts";
import { RecordMoved } from "../../../app/store/record/item.ts";
import { WrongState } from "../../../app/store/record/mover.ts";
import { picturesToRemove } from "../../../app/store/record/removals.ts";
import { isWithin, workerShares } from "../../../app/store/workers.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";
import { sharedEmulator } from "../../support/test-dynamo.ts";
import { until } from "../../support/wait.ts";
import { type TwoStores, twoStores } from "./fixture.ts";

const someDay = Date.UTC(2026, 0, 1) * 1000;

describe("The store of record", function () {
  this.timeout(120_000);
  let stores: TwoStores;
  let toMysql: TcpProxy;
  let toDynamo: TcpProxy;
  const opened: OpenStore[] = [];

  beforeEach(async () => {
    const { host, port } = new URL((await sharedEmulator()).endpoint);
    stores = await twoStores();
    toMysql = await startTcpProxy(stores.database.address);
    toDynamo = await startTcpProxy({ host: host.split(":")[0] as string, port: Number(port) });
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()));
    for (const wire of [toMysql, toDynamo]) {
      wire.thaw();
      await wire.stop();
    }
  });

  /** A server over wires that can be cut. */
  async function open(): Promise<OpenStore> {
    const server = await stores.open({ mysql: toMysql.port, dynamodb: toDynamo.port });
    opened.push(server);
    return server;
  }

  async function use({ store }: OpenStore): Promise<string> {
    const id = stores.nextId();
    await store.createUser({ id, name: `u${id}`, displayName: "", passwordHash: "", createdAt: someDay });
    await store.createPost({ id: stores.nextId(), authorId: id, text: "chirp", createdAt: someDay });
    assert.equal((await store.userPosts(id, { limit: 10 })).items.length, 1);
    return id;
  }

  it("is MySQL without DynamoDB: frozen, gone, and gone before a server starts", async () => {
    const server = await open();
    toDynamo.freeze();
    for (let round = 0; round < 20; round++) await use(server);
    await toDynamo.stop();
    for (let round = 0; round < 20; round++) await use(server);
    const late = await open();
    await use(late);
    assert.ok(isWithin(workerShares.mysql, (await late.workers.claim("late", 1000)).worker));
  });

  it("is DynamoDB without MySQL after the switch: frozen, gone, and gone before a server starts", async () => {
    const server = await open();
    const user = await use(server);
    const held = await server.workers.claim("server", 60_000);
    await stores.switchOver();
    toMysql.freeze();
    await use(server);
    await toMysql.stop();
    for (let round = 0; round < 20; round++) await use(server);
    const renewed = await server.workers.renew(held, "server", 60_000);
    assert.ok(isWithin(workerShares.dynamodb, renewed?.worker as number), "a number of the store that is there");
    const late = await open();
    await use(late);
    assert.equal((await late.store.user(user))?.posts, 1);
  });

  it("is MySQL again for a server that started while MySQL was away", async () => {
    await use(await open());
    await stores.switchOver();
    const { port } = toMysql;
    await toMysql.stop();
    const late = await open();
    await use(late);
    toMysql = await startTcpProxy(stores.database.address, port);
    await stores.switchBack();
    await until(() => use(late), { describe: "the server has opened MySQL" });
    assert.equal((await stores.mover().standing()).control.record, "mysql");
  });

  it("is refused to a server that has DynamoDB alone while MySQL is the record, and given when it is not", async () => {
    const server = await open();
    const user = await use(server);
    await stores.mover().fence();
    await assert.rejects(stores.openTable(), /DynamoDB \(fenced\), and no database is configured: set DB_HOST/);
    await stores.mover().lift();
    await stores.switchOver();
    const alone = await stores.openTable();
    opened.push(alone);
    await use(alone);
    assert.equal((await alone.store.user(user))?.posts, 1);
    assert.ok(isWithin(workerShares.dynamodb, (await alone.workers.claim("alone", 1000)).worker));
  });

  it("is read where it was while it is fenced and written when it opens, by a write that waits", async () => {
    const server = await open();
    const user = await use(server);
    const mover = stores.mover();
    await mover.fence();
    const post = stores.nextId();
    let isWritten = false;
    const waiting = server.store
      .createPost({ id: post, authorId: user, text: "later", createdAt: someDay })
      .finally(() => (isWritten = true));
    for (let read = 0; read < 20; read++)
      assert.equal((await server.store.userPosts(user, { limit: 10 })).items.length, 1);
    assert.equal(isWritten, false);
    await stores.switchOver();
    assert.equal((await waiting).id, post);
    const [rows] = await stores.admin.query<RowDataPacket[]>("SELECT id FROM posts WHERE id = ?", [post]);
    assert.deepEqual(rows, [], "it was written to MySQL");
    assert.equal((await server.store.userPosts(user, { limit: 10 })).items.length, 2);
  });

  it("is moved on, or back, by the next who comes, wherever the one before died", async () => {
    const server = await open();
    const user = await use(server);
    const died = stores.mover("died");
    const next = () => stores.mover("next");
    await died.fence();
    await next().lift();
    await use(server);
    await stores.ferry.toDynamo();
    await died.fence();
    await stores.ferry.toDynamo();
    await next().fence();
    await died.open();
    await assert.rejects(next().lift(), WrongState);
    await next().flip();
    await next().note();
    await use(server);
    await died.close();
    await next().reopen();
    await use(server);
    await died.close();
    await stores.ferry.toMysql();
    await died.openBack();
    await next().flipBack();
    await use(server);
    await assert.rejects(died.flip(), (error) => error instanceof WrongState || error instanceof RecordMoved);
    assert.equal((await server.store.user(user))?.posts, 1);
  });

  it("keeps pictures of deleted posts to be removed where they were noted, until somebody has done it", async () => {
    const server = await open();
    const [user, post] = [await use(server), stores.nextId()];
    const media = [{ key: "media/1.png", type: "image/png", width: 1, height: 1, alt: "" }] as never;
    await server.store.createPost({ id: post, authorId: user, text: "", media, createdAt: someDay });
    await server.store.deletePost(post, user);
    await stores.switchOver();
    assert.deepEqual(
      (await server.store.removals(10)).map(({ postId }) => postId),
      [post],
    );
    assert.equal(await picturesToRemove(stores.admin), 1);
    await server.store.removed(post);
    assert.equal(await picturesToRemove(stores.admin), 0);
    assert.deepEqual(await server.store.removals(10), []);
  });
});
