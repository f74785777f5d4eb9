import assert from "node:assert/strict";
import type { RowDataPacket } from "mysql2/promise";
import { ApiClient } from "../../support/api-client.ts";
import { differences } from "../../support/both-stores.ts";
import type { ServerProcess } from "../../support/server-process.ts";
import { sharedEmulator } from "../../support/test-dynamo.ts";
import { until } from "../../support/wait.ts";
import { type Servers, serversOver, type TwoStores, twoStores } from "./fixture.ts";

describe("A server that is frozen across a switch", function () {
  this.timeout(180_000);
  let stores: TwoStores;
  let servers: Servers;
  let frozen: ServerProcess;
  let other: ServerProcess;
  let cookie: string;

  beforeEach(async () => {
    await sharedEmulator();
    stores = await twoStores();
    servers = await serversOver(stores);
    [frozen, other] = [await servers.start(), await servers.start()];
    const client = new ApiClient(frozen.url);
    await client.post("/api/signup", { name: "ann", password: "correct horse battery" });
    cookie = client.cookie;
  });
  afterEach(() => servers?.stop());

  const at = (server: ServerProcess) => Object.assign(new ApiClient(server.url), { cookie });
  const post = (server: ServerProcess, text: string) => at(server).post("/api/posts", { text });
  const burst = (count: number) => Promise.all(Array.from({ length: count }, (_, n) => post(frozen, `burst ${n}`)));

  /** Whether a write is open just now: it holds the control row. */
  const isHeld = () =>
    stores.admin.query("SELECT 1 FROM control FOR UPDATE NOWAIT").then(
      () => false,
      () => true,
    );

  /** Whether a write is open and stays so. */
  async function staysHeld(): Promise<boolean> {
    let held = 0;
    await until(async () => {
      held = (await isHeld()) ? held + 1 : 0;
      return held === 0 || held > 5;
    });
    return held > 0;
  }

  /** Every post that was acknowledged is in the author's timeline, once, and no other is, at every server. */
  async function check(acknowledged: string[]): Promise<void> {
    const wanted = acknowledged.toSorted();
    for (const server of [frozen, other]) {
      const seen: string[] = [];
      for (let next: string | null = ""; next !== null;) {
        const { body } = await at(server).get(`/api/users/ann/posts?limit=100${next ? `&before=${next}` : ""}`);
        seen.push(...body.posts.map(({ id }: { id: string }) => id));
        next = body.next as string | null;
      }
      assert.deepEqual(seen.toSorted(), wanted);
    }
  }

  it("with open writes does not hold it up, writes nothing to MySQL afterwards, and loses nothing", async () => {
    const answers: Awaited<ReturnType<typeof burst>> = [];
    let pending = burst(0);
    // Frozen in the middle of transactions.
    await until(
      async () => {
        answers.push(...(await pending));
        pending = burst(60);
        await until(isHeld, { describe: "a write is open" });
        frozen.process.kill("SIGSTOP");
        if (await staysHeld()) return true;
        frozen.process.kill("SIGCONT");
        return false;
      },
      { timeout: 60_000, describe: "writes are open" },
    );
    await stores.switchOver();
    const kept = await post(other, "meanwhile");
    const [before] = await stores.admin.query<RowDataPacket[]>("SELECT id FROM posts");
    frozen.process.kill("SIGCONT");
    answers.push(...(await pending), kept, await post(frozen, "afterwards"));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    const [after] = await stores.admin.query<RowDataPacket[]>("SELECT id FROM posts");
    assert.deepEqual(after, before, "written to the old store");
    await check(answers.map(({ body }) => body.post.id));
  });

  it("back acknowledges nothing that DynamoDB alone has got, and loses nothing", async () => {
    await stores.switchOver();
    const first = await post(frozen, "before");
    const pending = burst(60);
    frozen.process.kill("SIGSTOP");
    await stores.switchBack();
    const kept = await post(other, "meanwhile");
    frozen.process.kill("SIGCONT");
    const answers = [first, kept, ...(await pending), await post(frozen, "afterwards")];
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    await check(answers.map(({ body }) => body.post.id));
    await stores.ferry.toDynamo();
    assert.deepEqual(await differences(stores.database, stores.made), []);
  });
});
