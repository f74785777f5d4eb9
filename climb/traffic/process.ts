import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Target } from "./client.ts";
import type { Stats } from "./counters.ts";

export type TrafficRequest =
  { type: "begin"; target: Target; rate: number; ledger: string } | { type: "pause" | "resume" | "mark" | "stop" };

export type TrafficReply = { type: "stats"; stats: Stats } | { type: "done"; stats?: Stats };

export interface TrafficOptions {
  readonly target: Target;
  /** Requests per second, in all. */
  readonly rate: number;
  /** File of acknowledged writes, appended to. */
  readonly ledger: string;
  /** Called twice a second with the current phase's counts. */
  readonly onStats: (stats: Stats) => void;
}

/** Traffic in a process of its own, so that what we do ourselves never makes a request late. */
export interface Traffic {
  /** Stops sending and waits for every answer under way. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Starts new counts, and returns the old ones. */
  mark(): Promise<Stats>;
  stop(): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** Starts the traffic; it flows, with its first people signed up, when the promise settles. */
export async function startTraffic({ target, rate, ledger, onStats }: TrafficOptions): Promise<Traffic> {
  const child = fork(fileURLToPath(new URL("./main.ts", import.meta.url)), [], {
    // Not in our process group: Ctrl-C is ours to handle, in order.
    detached: true,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    execArgv: [],
  });
  const ended = once(child, "exit");
  let answer = Promise.withResolvers<Stats | undefined>();
  child.on("message", (reply: TrafficReply) => {
    if (reply.type === "stats") onStats(reply.stats);
    else answer.resolve(reply.stats);
  });
  void ended.then(() => answer.reject(new Error("The traffic's process ended by itself; see the messages above.")));
  const ask = (request: TrafficRequest) => {
    answer = Promise.withResolvers();
    if (child.connected) child.send(request);
    else answer.reject(new Error("The traffic's process has ended."));
    return answer.promise;
  };
  await ask({ type: "begin", target, rate, ledger });
  return {
    pause: async () => void (await ask({ type: "pause" })),
    resume: async () => void (await ask({ type: "resume" })),
    mark: async () => (await ask({ type: "mark" })) as Stats,
    stop: async () => {
      if (child.connected) child.send({ type: "stop" });
      await ended;
    },
    kill: () => child.kill("SIGKILL"),
  };
}
