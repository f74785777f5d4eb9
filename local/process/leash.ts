import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { HolderReply, HolderRequest } from "./leash-holder.ts";

/** A command to run in a process group of its own. */
export interface LeashOptions {
  /** Program to run: a path, or a name found on the PATH of `env`. */
  readonly command: string;
  readonly args?: readonly string[];
  /** Working directory. @default the caller's */
  readonly cwd?: string;
  /** Whole environment of the command. @default the caller's */
  readonly env?: NodeJS.ProcessEnv;
  /** File that the command's output is appended to. */
  readonly log: string;
  /** Milliseconds between SIGTERM and SIGKILL when the group is stopped. @default 5000 */
  readonly grace?: number;
  /** Who gets the SIGTERM: the whole group, or its leader alone, which then ends the others in order. @default group */
  readonly terminate?: "group" | "leader";
}

/** How a command ended: by an exit code, or by a signal. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running command. */
export interface Leashed {
  /** Id of the process, and of the group it leads. */
  readonly pid: number;
  /** Settles when the command itself has ended; what it left running in its group is stopped then. */
  readonly exited: Promise<Exit>;
  /** Sends SIGTERM, SIGKILL to the group after the grace time, and waits until no process of the group is left. */
  stop(grace?: number): Promise<Exit>;
}

/**
 * Runs a command that cannot outlive this process, even if this process is killed with SIGKILL.
 *
 * All commands of a process are started by one small holder process, which notices our death by the end of its IPC
 * channel. The command gets none of our standard streams, so it cannot hold a terminal or a pipe of ours open.
 *
 * @throws when the command cannot be started, with the reason.
 */
export async function leash(options: LeashOptions): Promise<Leashed> {
  holder ??= new Holder();
  return holder.run(options);
}

let holder: Holder | undefined;

interface Waiting {
  started(pid: number): void;
  failed(error: Error): void;
  exited(exit: Exit): void;
  gone(exit: Exit): void;
}

class Holder {
  readonly #process: ChildProcess;
  readonly #commands = new Map<number, Waiting>();
  #lastId = 0;

  constructor() {
    // A group of its own: Ctrl-C in a terminal must reach us first, so that we can stop things in order.
    this.#process = fork(fileURLToPath(new URL("./leash-holder.ts", import.meta.url)), [], {
      detached: true,
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      execArgv: [],
    });
    this.#process.unref();
    this.#process.channel?.unref();
    this.#process.on("message", (reply) => this.#receive(reply as HolderReply));
    this.#process.on("exit", () => this.#lost());
  }

  async run(options: LeashOptions): Promise<Leashed> {
    const id = ++this.#lastId;
    const exited = Promise.withResolvers<Exit>();
    const gone = Promise.withResolvers<Exit>();
    const started = Promise.withResolvers<number>();
    this.#commands.set(id, {
      started: started.resolve,
      failed: started.reject,
      exited: exited.resolve,
      gone: gone.resolve,
    });
    const { command, args = [], cwd = process.cwd(), env = process.env, log, grace = 5000 } = options;
    const toLeader = options.terminate === "leader";
    this.#send({ type: "run", id, command, args: [...args], cwd, env, log, grace, toLeader });
    const pid = await this.#awake(started.promise);
    return {
      pid,
      exited: exited.promise,
      stop: (grace) => {
        this.#send({ type: "stop", id, grace });
        return this.#awake(gone.promise);
      },
    };
  }

  #send(request: HolderRequest): void {
    if (this.#process.connected) this.#process.send(request);
  }

  /** Keeps this process alive while it waits for an answer; an idle holder must not. */
  async #awake<T>(answer: Promise<T>): Promise<T> {
    this.#process.channel?.ref();
    this.#pending++;
    try {
      return await answer;
    } finally {
      if (--this.#pending === 0) this.#process.channel?.unref();
    }
  }
  #pending = 0;

  #receive(reply: HolderReply): void {
    const command = this.#commands.get(reply.id);
    if (!command) return;
    if (reply.type === "started") command.started(reply.pid);
    else if (reply.type === "exited") command.exited(reply.exit);
    else {
      this.#commands.delete(reply.id);
      if (reply.type === "failed") command.failed(new Error(reply.reason));
      else command.gone(reply.exit);
    }
  }

  /** The holder takes its commands with it; should it be killed outright, the next command gets a new one. */
  #lost(): void {
    holder = undefined;
    const exit: Exit = { code: null, signal: "SIGKILL" };
    for (const command of this.#commands.values()) {
      command.failed(new Error("the process that holds the leash was killed"));
      command.exited(exit);
      command.gone(exit);
    }
    this.#commands.clear();
  }
}
