import assert from "node:assert/strict";
import { backoff, type Running, Supervisor } from "../../../app/agent/supervisor.ts";
import { until } from "../../support/wait.ts";

/** A server process in a test's hands. */
class FakeServer implements Running {
  readonly spec: string;
  readonly calls: string[] = [];
  private readonly listens = Promise.withResolvers<void>();
  private readonly ends = Promise.withResolvers<string>();

  constructor(spec: string) {
    this.spec = spec;
    // A server that nobody waits for may fail.
    this.listens.promise.catch(() => {});
  }

  get listening(): Promise<void> {
    return this.listens.promise;
  }
  get ended(): Promise<string> {
    return this.ends.promise;
  }
  listen(): void {
    this.listens.resolve();
  }
  end(how = "exit code 1"): void {
    this.listens.reject(new Error(how));
    this.ends.resolve(how);
  }
  retire(): void {
    this.calls.push("retire");
  }
  stop(): void {
    this.calls.push("stop");
    this.end("exit code 0");
  }
}

/** A supervisor whose time passes only by `pass`, and the servers it has started. */
function setUp() {
  const servers: FakeServer[] = [];
  const pauses: number[] = [];
  let now = 0;
  const supervisor = new Supervisor<string>({
    start(spec) {
      const server = new FakeServer(spec);
      servers.push(server);
      return server;
    },
    pause: async (milliseconds) => {
      pauses.push(milliseconds);
      now += milliseconds;
    },
    now: () => now,
    log: () => {},
  });
  const finished = supervisor.run();
  const server = (index: number) =>
    until(() => servers[index], { timeout: 2000, describe: `server ${index} is started` });
  return { supervisor, servers, pauses, finished, server, pass: (milliseconds: number) => void (now += milliseconds) };
}

describe("agent supervisor", () => {
  it("starts what is wanted, and stops it at the end", async () => {
    const { supervisor, server, finished } = setUp();
    supervisor.want("one");
    const first = await server(0);
    assert.equal(first.spec, "one");
    first.listen();
    supervisor.stop();
    await finished;
    assert.deepEqual(first.calls, ["stop"]);
  });

  it("retires the old server only when the new one listens", async () => {
    const { supervisor, server, finished } = setUp();
    supervisor.want("one");
    const first = await server(0);
    first.listen();
    supervisor.want("two");
    const second = await server(1);
    assert.deepEqual(first.calls, []);
    second.listen();
    await until(() => first.calls.length > 0, { describe: "the first server is retired" });
    assert.deepEqual(first.calls, ["retire"]);
    first.end("exit code 0");
    supervisor.stop();
    await finished;
    assert.deepEqual(second.calls, ["stop"]);
  });

  it("keeps the old server while the new one can't start, and tries again, later each time", async () => {
    const { supervisor, servers, server, pauses, finished } = setUp();
    supervisor.want("one");
    (await server(0)).listen();
    supervisor.want("broken");
    for (const index of [1, 2, 3]) (await server(index)).end();
    const last = await server(4);
    assert.deepEqual(pauses, [500, 1000, 2000]);
    assert.deepEqual(servers[0]?.calls, []);
    last.listen();
    await until(() => servers[0]?.calls.includes("retire"), { describe: "the first server is retired" });
    supervisor.stop();
    await finished;
  });

  it("turns to a newer wish without trying the broken one again", async () => {
    const { supervisor, server, finished } = setUp();
    supervisor.want("broken");
    const broken = await server(0);
    supervisor.want("mended");
    broken.end();
    const mended = await server(1);
    assert.equal(mended.spec, "mended");
    mended.listen();
    supervisor.stop();
    await finished;
  });

  it("starts a server again that ended by itself", async () => {
    const { supervisor, server, pauses, finished, pass } = setUp();
    supervisor.want("one");
    const first = await server(0);
    first.listen();
    await first.listening;
    pass(60_000);
    first.end("signal SIGSEGV");
    const second = await server(1);
    assert.equal(second.spec, "one");
    assert.deepEqual(pauses, [500]);
    second.listen();
    supervisor.stop();
    await finished;
  });

  it("has nothing to stop when nothing was wanted", async () => {
    const { supervisor, finished } = setUp();
    supervisor.stop();
    await finished;
  });

  it("waits longer after each failure, up to half a minute", () => {
    assert.deepEqual([0, 1, 2, 3, 6, 7, 20].map(backoff), [0, 500, 1000, 2000, 16_000, 30_000, 30_000]);
  });
});
