import { spawn } from "node:child_process";
import type { Running } from "./supervisor.ts";

/** How long a new server may take until it listens; migrations of the database run before. */
const startDeadline = 120_000;
/** A little more than a server gives itself to finish. */
const endDeadline = 30_000;

/** Starts a server on the shared socket, which it finds as descriptor 3. */
export function startServer(path: string, environment: NodeJS.ProcessEnv, socket: number): Running {
  const child = spawn(process.execPath, ["--enable-source-maps", path], {
    env: { ...environment, LISTEN_FDS: "1" },
    stdio: ["ignore", "inherit", "inherit", socket, "ipc"],
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  const listening = new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`not listening after ${startDeadline / 1000} s`));
    }, startDeadline);
    child.on("message", (message: { type?: unknown }) => {
      if (message?.type !== "listening") return;
      clearTimeout(late);
      resolve();
    });
    void ended.then((how) => {
      clearTimeout(late);
      reject(new Error(how));
    });
  });
  function end(): void {
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), endDeadline);
    void ended.then(() => clearTimeout(late));
  }
  return {
    listening,
    ended,
    retire() {
      if (child.connected) child.send({ type: "retire" }, () => {});
      end();
    },
    stop: end,
  };
}
