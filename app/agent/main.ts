import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isPinned, type Release, sameServer } from "./release.ts";
import { startServer } from "./server-process.ts";
import { listeningSocket } from "./socket.ts";
import { awsSource } from "./source.ts";
import { Supervisor } from "./supervisor.ts";

// The agent: keeps a machine running what the release parameter says, without a connection refused in between.
const { RELEASE, AGENT_POLL_SECONDS = "2", STATE_DIRECTORY } = process.env;
if (RELEASE === undefined) throw new Error("RELEASE must name the release parameter, for example /chirp/dev/release");

const log = (event: string, details: Record<string, unknown> = {}) =>
  console.log(JSON.stringify({ time: new Date().toISOString(), agent: event, ...details }));

const socket = listeningSocket(process.env);
const source = awsSource(RELEASE, STATE_DIRECTORY ?? dirname(process.argv[1] ?? "."));
const supervisor = new Supervisor<{ path: string; release: Release }>({
  start: ({ path, release }) => startServer(path, { ...process.env, ...release.env }, socket.fd),
  pause: (milliseconds) => pause(milliseconds, undefined),
  now: () => performance.now(),
  log,
});

let stopping = false;
function stop(reason: string): void {
  if (stopping) return;
  stopping = true;
  log("stopping", { reason });
  supervisor.stop();
}
process.on("SIGTERM", () => stop("SIGTERM"));
process.on("SIGINT", () => stop("SIGINT"));
// Whoever started the agent with a channel is gone.
process.on("disconnect", () => stop("parent gone"));

async function follow(parameter: string): Promise<void> {
  let first: Release | undefined;
  let current: Release | undefined;
  while (!stopping) {
    try {
      const release = await source.release();
      if (current === undefined || !sameServer(release, current)) {
        supervisor.want({ path: await source.fetch(release.server), release });
        current = release;
      }
      first ??= release;
      if (socket.inherited && release.agent.sha256 !== first.agent.sha256) {
        // The service starts the agent again, and fetches this one before; its socket stays open meanwhile.
        await source.fetch(release.agent);
        return stop("a new agent");
      }
      if (isPinned(parameter)) return;
    } catch (error) {
      log("release not read", { parameter, reason: error instanceof Error ? error.message : String(error) });
    }
    await pause(Number(AGENT_POLL_SECONDS) * 1000, undefined, { ref: false });
  }
}

const working = supervisor.run();
void follow(RELEASE);
await working;
log("stopped");
process.exit(0);
