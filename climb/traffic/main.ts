// The traffic's process: started by process.ts, told what to do through IPC, ends with its parent.
import { LedgerWriter } from "./ledger.ts";
import { Load } from "./load.ts";
import type { TrafficReply, TrafficRequest } from "./process.ts";

let load: Load | undefined;
let ledger: LedgerWriter | undefined;
let reports: NodeJS.Timeout | undefined;

process.on("message", (request: TrafficRequest) => void handle(request));
process.on("disconnect", () => process.exit());

async function handle(request: TrafficRequest): Promise<void> {
  if (request.type === "begin") {
    ledger = new LedgerWriter(request.ledger);
    load = new Load({ target: request.target, rate: request.rate, ledger });
    reports = setInterval(() => load && reply({ type: "stats", stats: load.stats() }), 500);
    await load.populate();
    load.resume();
    reply({ type: "done" });
  } else if (request.type === "resume") {
    load?.resume();
    reply({ type: "done" });
  } else if (request.type === "pause") {
    await load?.pause();
    reply({ type: "done" });
  } else if (request.type === "mark") {
    const stats = load?.mark();
    reply({ type: "done", ...(stats && { stats }) });
  } else {
    clearInterval(reports);
    await load?.pause();
    load?.close();
    ledger?.close();
    process.disconnect();
  }
}

function reply(message: TrafficReply): void {
  if (process.connected) process.send?.(message);
}
