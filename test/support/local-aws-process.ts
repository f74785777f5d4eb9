import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Ready } from "../../local/main.ts";

export const localAwsProgram = join(import.meta.dirname, "../../local/main.ts");

export interface LocalAwsProcess {
  readonly child: ChildProcess;
  readonly ready: Ready;
  /** Ends it with a signal and waits for it; its exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** The local AWS as a process of its own; it ends with this one. */
export async function startLocalAwsProcess(dir: string, port = 0): Promise<LocalAwsProcess> {
  const stdio = ["ignore", "ignore", "inherit", "ipc"] as const;
  const child = fork(localAwsProgram, ["--dir", dir, "--port", String(port)], { stdio: [...stdio] });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const ready = await new Promise<Ready>((resolve, reject) => {
    child.once("message", (message) => resolve(message as Ready));
    void exited.then((code) => reject(new Error(`the local AWS ended with exit code ${code}`)));
  });
  return {
    child,
    ready,
    end: (signal) => {
      child.kill(signal);
      return exited;
    },
  };
}
