import { mkdir, rm } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { type Leashed, leash } from "../../local/process/leash.ts";
import { type Result, run } from "../../tools/run.ts";
import { tail } from "../tail.ts";
import { type EngineEvent, Progress } from "./events.ts";

/** Where the engine keeps everything, and what it runs. */
export interface PulumiOptions {
  /** Folder with the CLI and the language host. */
  readonly programs: string;
  /** Folder of the Pulumi project. */
  readonly project: string;
  /** Folder for state, plug-ins' lock files and logs; the user's own ~/.pulumi is never touched. */
  readonly folder: string;
}

/** An engine operation under way. */
export interface Operation {
  readonly progress: Progress;
  /** Settles when the engine has ended. */
  readonly finished: Promise<Outcome>;
  /** Asks the engine to end after the steps under way, and kills it when they take longer than this, in ms. */
  stop(grace: number): Promise<void>;
  readonly pid: number;
}

export interface Outcome {
  readonly ok: boolean;
  readonly progress: Progress;
  /** Seconds from start to end. */
  readonly seconds: number;
  /** Why it failed, in the engine's words. */
  readonly reason: string;
}

/** Milliseconds that an engine may take to end the steps under way and write its state. */
const patience = 10_000;

/** Pulumi's CLI, over one project and one state folder. */
export class Pulumi {
  readonly #options: PulumiOptions;

  constructor(options: PulumiOptions) {
    this.#options = options;
  }

  /** Runs a short command to its end. */
  run(args: readonly string[], options: { readonly cwd?: string } = {}): Promise<Result> {
    const { project } = this.#options;
    const all = [...args, "--non-interactive", "--color", "never"];
    return run(this.#program, all, { cwd: project, env: this.environment(), ...options });
  }

  /**
   * Starts an operation of the engine. It cannot outlive this process: what it leaves half done is what an engine
   * that was killed leaves, and `recover` mends that.
   */
  async start(args: readonly string[], providers: string, onEvent: (event: EngineEvent) => void): Promise<Operation> {
    const { folder, project } = this.#options;
    const log = join(folder, "logs", `${args[0]}.log`);
    await mkdir(dirname(log), { recursive: true });
    await rm(log, { force: true });
    const start = performance.now();
    const engine = await leash({
      command: this.#program,
      args: [...args, "--json", "--non-interactive", "--color", "never"],
      cwd: project,
      env: { ...this.environment(), PULUMI_DEBUG_PROVIDERS: providers, PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" },
      log,
      grace: patience,
    });
    const progress = new Progress();
    return {
      progress,
      pid: engine.pid,
      finished: follow(engine, log, progress, onEvent).then(({ code, text }) => ({
        ok: code === 0,
        progress,
        seconds: (performance.now() - start) / 1000,
        reason: code === 0 ? "" : [...progress.errors, text].filter(Boolean).join("\n"),
      })),
      stop: async (grace) => void (await engine.stop(Math.min(grace, patience))),
    };
  }

  /** What the CLI and the program see: none of the user's own Pulumi or AWS settings, and our own folders. */
  environment(): NodeJS.ProcessEnv {
    const { programs, folder } = this.#options;
    const inherited = Object.entries(process.env).filter(([name]) => !/^(PULUMI|AWS)_/.test(name));
    return {
      ...Object.fromEntries(inherited),
      PATH: [programs, dirname(process.execPath), process.env.PATH].join(delimiter),
      PULUMI_HOME: join(folder, "home"),
      // The backend replaces a state at once, but not the file of its metadata: who reads while an update writes finds it empty.
      PULUMI_BACKEND_URL: `file://${folder}?metadata=skip`,
      PULUMI_CONFIG_PASSPHRASE: "",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      // Both providers are attached, never downloaded; an attempt would hang where there is no internet.
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      AWS_REGION: "us-east-1",
    };
  }

  get #program(): string {
    return join(this.#options.programs, "pulumi");
  }
}

/** Reads events to the end; what is not an event is what the CLI says when it can't even start the engine. */
async function follow(engine: Leashed, log: string, progress: Progress, onEvent: (event: EngineEvent) => void) {
  let text = "";
  for await (const line of tail(log, engine.exited)) {
    const event = parse(line);
    if (!event) {
      text += `${line}\n`;
      continue;
    }
    progress.add(event);
    onEvent(event);
  }
  const { code, signal } = await engine.exited;
  return { code, text: text.trim() || (signal ? `the engine was ended by ${signal}` : "") };
}

function parse(line: string): EngineEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
