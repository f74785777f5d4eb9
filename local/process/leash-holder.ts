// Started by leash.ts: starts commands on its behalf and ends them when it is gone.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import type { Exit } from "./leash.ts";

export type HolderRequest =
  | {
      type: "run";
      id: number;
      command: string;
      args: string[];
      cwd: string;
      env: NodeJS.ProcessEnv;
      log: string;
      grace: number;
      toLeader: boolean;
    }
  | { type: "stop"; id: number; grace: number | undefined };

export type HolderReply =
  | { type: "started"; id: number; pid: number }
  | { type: "failed"; id: number; reason: string }
  | { type: "exited" | "gone"; id: number; exit: Exit };

interface Running {
  readonly child: ChildProcess;
  readonly grace: number;
  readonly toLeader: boolean;
  readonly ended: Promise<Exit>;
  /** When the group is killed, by performance.now(). */
  deadline: number;
  stopping?: Promise<void>;
}

const commands = new Map<number, Running>();

process.on("message", (request: HolderRequest) => {
  if (request.type === "run") run(request);
  else void stop(request.id, request.grace);
});

/** Most milliseconds that commands get once nobody waits for them any more. */
const orphanGrace = 10_000;

// The parent is gone, for whatever reason: so is everything that it started.
process.on("disconnect", async () => {
  await Promise.all([...commands].map(([id, { grace }]) => stop(id, Math.min(grace, orphanGrace))));
  process.exit();
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.disconnect?.());

function run({ id, command, args, cwd, env, log, grace, toLeader }: Extract<HolderRequest, { type: "run" }>): void {
  let output: number;
  try {
    output = openSync(log, "a", 0o600);
  } catch (error) {
    reply({ type: "failed", id, reason: `cannot write the log of ${command}: ${(error as Error).message}` });
    return;
  }
  const child = spawn(command, args, { cwd, env, detached: true, stdio: ["ignore", output, output] });
  closeSync(output);
  const ended = new Promise<Exit>((resolve) => child.on("exit", (code, signal) => resolve({ code, signal })));
  child.on("error", (error) => {
    if (child.pid === undefined) reply({ type: "failed", id, reason: `cannot run ${command}: ${error.message}` });
  });
  if (child.pid === undefined) return;
  commands.set(id, { child, grace, toLeader, ended, deadline: Number.POSITIVE_INFINITY });
  reply({ type: "started", id, pid: child.pid });
  void ended.then((exit) => {
    reply({ type: "exited", id, exit });
    return stop(id);
  });
}

function stop(id: number, grace?: number): Promise<void> {
  const running = commands.get(id);
  if (!running) return Promise.resolve();
  running.deadline = Math.min(running.deadline, performance.now() + (grace ?? running.grace));
  running.stopping ??= endGroup(running).then(async () => {
    const exit = await running.ended;
    commands.delete(id);
    reply({ type: "gone", id, exit });
  });
  return running.stopping;
}

/** SIGTERM, then SIGKILL at the deadline; done when the group is empty. */
async function endGroup(running: Running): Promise<void> {
  const group = running.child.pid as number;
  const isOver = () => performance.now() >= running.deadline;
  let hasLed = false;
  void running.ended.then(() => {
    hasLed = true;
  });
  // Only children can be waited for, and the group may hold grandchildren, so this has to look again and again.
  const pause = () => new Promise((resolve) => setTimeout(resolve, 10));
  if (running.toLeader && signal(group, "SIGTERM")) while (!hasLed && !isOver()) await pause();
  if (!signal(-group, "SIGTERM")) return;
  for (let killed = false; isAlive(group); await pause()) {
    if (!killed && isOver()) killed = signal(-group, "SIGKILL");
  }
}

/** Whether a process of the group still runs; one that has ended and waits to be reaped (by a lazy init) does not. */
function isAlive(group: number): boolean {
  if (!signal(-group, 0)) return false;
  if (process.platform !== "linux") return true;
  return readdirSync("/proc").some((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      const [state, , member] = readFileSync(`/proc/${name}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
      return Number(member) === group && state !== "Z";
    } catch {
      return false; // ended while we looked
    }
  });
}

/** Whether anybody was there to receive it. */
function signal(group: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(group, name);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function reply(message: HolderReply): void {
  if (process.connected) process.send?.(message, () => {});
}
