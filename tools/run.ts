import { spawn } from "node:child_process";

/** What a finished command left behind. */
export interface Result {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Ends the command with SIGTERM. */
  readonly signal?: AbortSignal | undefined;
  /** Called with what it writes to standard output, as it comes. */
  readonly onOutput?: (text: string) => void;
}

/**
 * Runs a command to its end and keeps what it printed.
 *
 * @throws when it cannot be started (the error's `code` is ENOENT when there is no such program), or was aborted.
 */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Result> {
  const { onOutput, ...how } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...how, stdio: ["ignore", "pipe", "pipe"] });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        output[name] += text;
      });
    }
    if (onOutput) child.stdout.on("data", onOutput);
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...output }));
  });
}

/** The last lines of a command's output: what a person needs to see when it failed. */
export function lastLines(text: string, count = 15): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
