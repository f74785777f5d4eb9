import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { LedgerWriter } from "../../climb/traffic/ledger.ts";
import { Client } from "../../climb/traffic/client.ts";
import { Load } from "../../climb/traffic/load.ts";
import { startTraffic } from "../../climb/traffic/process.ts";
import { isAlive } from "../../tools/claim.ts";
import { entriesOf } from "../support/entries.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type StandIn, startStandIn } from "../support/stand-in.ts";
import { until } from "../support/wait.ts";

describe("traffic", () => {
  const folder = temporaryFolder();
  let standIn: StandIn;
  let files = 0;

  beforeEach(async () => {
    standIn = await startStandIn();
  });
  afterEach(() => standIn.stop());

  /** Runs traffic until the condition holds, and returns what it counted. */
  async function flow(done: (load: Load) => boolean, { rate = 200, people = 4, begun = () => {} } = {}) {
    const path = join(folder, `ledger-${++files}`);
    const ledger = new LedgerWriter(path);
    const load = new Load({ target: standIn.target, ledger, rate, people });
    await load.populate();
    begun();
    load.resume();
    const start = performance.now();
    await until(() => done(load), { describe: "the traffic has done its part" });
    const seconds = (performance.now() - start) / 1000;
    await load.pause();
    load.close();
    ledger.close();
    return { stats: load.stats(), seconds, entries: await entriesOf(path) };
  }

  it("keeps to its rate and does everything that people do", async () => {
    const { stats, seconds } = await flow((load) => load.stats().requests > 600, { rate: 400 });
    assert.equal(stats.failures, 0, JSON.stringify(stats.samples));
    // Gaps are random: 600 of them come within a fifth of their mean but once in a million runs.
    const rate = stats.requests / seconds;
    assert.ok(rate > 300 && rate < 520, `${rate} requests/s`);
    const kinds = new Set(standIn.requests.map((request) => request.replace(/\d{3,}|\w+_\w+/g, "X").split("?")[0]));
    for (const kind of [
      "POST /api/signup",
      "POST /api/posts",
      "PUT /api/posts/X/like",
      "PUT /api/users/X/follow",
      "GET /api/home",
      "GET /api/users/X/posts",
    ]) {
      assert.ok(kinds.has(kind), `no ${kind} in ${[...kinds].join(", ")}`);
    }
  });

  it("notes every write before it is sent and after it was acknowledged", async () => {
    const { stats, entries } = await flow((load) => load.stats().writes > 50);
    const acknowledged = entries.filter((entry) => entry.acknowledged);
    assert.equal(acknowledged.length, stats.writes);
    assert.equal(entries.length, 2 * stats.writes);
    for (const entry of acknowledged) {
      if (entry.write.kind === "user" || entry.write.kind === "post") assert.match(entry.id ?? "", /^\d+$/);
    }
  });

  it("counts an answer that is not the right one, shows it, and expects nothing of the write", async () => {
    const begun = () =>
      standIn.interfere((request, response) => {
        if (request.url !== "/api/posts") return false;
        response.writeHead(503).end("no database");
        return true;
      });
    const { stats, entries } = await flow((load) => load.stats().failures >= 3, { begun });
    assert.equal(stats.samples[0]?.request, "POST /api/posts");
    assert.equal(stats.samples[0]?.problem, "503 no database");
    assert.ok(!entries.some(({ acknowledged, write }) => acknowledged && write.kind === "post"));
  });

  it("counts a connection that is closed in the middle of an answer", async () => {
    const begun = () =>
      standIn.interfere((_request, response) => {
        response.writeHead(200, { "Content-Length": 100 });
        response.write("half", () => response.destroy());
        return true;
      });
    const { stats } = await flow((load) => load.stats().failures >= 3, { begun });
    assert.match(stats.samples[0]?.problem ?? "", /broke off/);
    assert.equal(stats.resent, 0);
  });

  it("counts a service that is gone", async () => {
    const begun = () => void standIn.stop();
    const { stats } = await flow((load) => load.stats().failures >= 3, { begun });
    assert.match(stats.samples.at(-1)?.problem ?? "", /ECONNREFUSED/);
  });

  it("feels a stall in the latency of everything that came while it lasted", async () => {
    const held: (() => void)[] = [];
    const begun = () => {
      standIn.interfere((_request, response) => {
        if (held.push(() => response.writeHead(200).end("{}")) === 1) setTimeout(goOn, 1000);
        return true;
      });
      const goOn = () => {
        standIn.interfere(undefined);
        for (const answer of held) answer();
      };
    };
    // Four people can have four requests under way; the others of that second wait unsent, and count all the same.
    const { stats } = await flow((load) => load.stats().requests > 150, { begun });
    assert.ok(stats.p50 > 100, `p50 is ${stats.p50} ms`);
    assert.ok(stats.max > 900, `max is ${stats.max} ms`);
  });

  describe("on a connection that was closed while idle", () => {
    /** Answers once, so that the connection is kept, then closes it at the next request, before any answer. */
    async function secondCall(call: Parameters<Client["send"]>[0]) {
      let resent = 0;
      const client = new Client(standIn.target, () => resent++);
      await client.send({ method: "GET", path: "/api/me" });
      let closed = 0;
      standIn.interfere((request) => {
        if (closed++ > 0) return false;
        request.socket.destroy();
        return true;
      });
      try {
        return { resent: () => resent, answer: await client.send(call) };
      } finally {
        client.close();
      }
    }

    it("sends a read again, once, and counts that", async () => {
      const { answer, resent } = await secondCall({ method: "GET", path: "/api/home" });
      assert.equal(answer.status, 200);
      assert.equal(resent(), 1);
    });

    it("sends a post again with the same idempotency key", async () => {
      const call = { method: "POST", path: "/api/posts", body: {}, idempotencyKey: "k1" } as const;
      assert.equal((await secondCall(call)).answer.status, 201);
      assert.deepEqual(standIn.keys, ["k1", "k1"]);
    });

    it("never sends a POST without a key again", async () => {
      await assert.rejects(secondCall({ method: "POST", path: "/api/signup", body: {} }));
      assert.equal(standIn.requests.filter((request) => request === "POST /api/signup").length, 1);
    });
  });

  it("does not send again what was closed on a fresh connection", async () => {
    standIn.interfere((request) => {
      request.socket.destroy();
      return true;
    });
    const client = new Client(standIn.target, () => assert.fail("sent again"));
    await assert.rejects(client.send({ method: "GET", path: "/api/home" }));
    client.close();
    assert.equal(standIn.requests.length, 1);
  });

  it("runs in a process of its own: pause, count, go on, stop", async function () {
    this.timeout(15_000);
    let latest = 0;
    const options = { target: standIn.target, rate: 200, ledger: join(folder, "own-process") };
    const traffic = await startTraffic({ ...options, onStats: (stats) => (latest = stats.requests) });
    await until(() => latest > 100, { describe: "counts arrive" });
    await traffic.pause();
    const arrived = standIn.requests.length;
    const first = await traffic.mark();
    assert.equal(first.requests, arrived);
    await traffic.resume();
    await until(() => standIn.requests.length > arrived + 50, { describe: "traffic flows again" });
    await traffic.stop();
    const after = standIn.requests.length;
    assert.ok(after > arrived);
  });

  it("ends with the process that started it, even when that is killed", async function () {
    this.timeout(15_000);
    const module = join(import.meta.dirname, "../../climb/traffic/process.ts");
    const options = JSON.stringify({ target: standIn.target, rate: 50, ledger: join(folder, "orphan") });
    const script = `import { startTraffic } from ${JSON.stringify(module)};
      await startTraffic({ ...${options}, onStats() {} });
      console.log(process._getActiveHandles().find((handle) => handle.pid)?.pid);`;
    const parent = spawn(process.execPath, ["--input-type=module-typescript", "--eval", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    assert.ok(isAlive(pid));
    parent.kill("SIGKILL");
    await until(() => !isAlive(pid), { describe: "the traffic has ended" });
  });
});
