import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "../../climb/report.ts";
import { until } from "./wait.ts";

/** `npm start` in a process of its own. */
export interface Runner {
  readonly pid: number;
  /** What it printed so far. */
  stdout(): string;
  stderr(): string;
  /** Settles with the exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>;
  signal(name: NodeJS.Signals): void;
  /** The document of `--json`, once it has exited. */
  report(): Promise<Report>;
}

const main = join(import.meta.dirname, "../../climb/main.ts");

export function startRunner(...args: readonly string[]): Runner {
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const exited = new Promise<number | null>((resolve) => child.on("close", resolve));
  return {
    pid: child.pid as number,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    exited,
    signal: (name) => child.kill(name),
    report: async () => {
      await exited;
      return JSON.parse(output.stdout);
    },
  };
}

/** Command lines of processes that work in the folder, ours excepted. */
export function processesIn(folder: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return command.includes(folder) ? [`${pid} ${command}`] : [];
      } catch {
        return []; // ended while we looked
      }
    });
}

/** Waits until nothing works in the folder any more. */
export async function allGone(folder: string): Promise<void> {
  await until(() => processesIn(folder).length === 0, {
    timeout: 30_000,
    describe: "every process has ended",
  }).catch((error: Error) => {
    throw new Error(`${error.message}\n${processesIn(folder).join("\n")}`);
  });
}
