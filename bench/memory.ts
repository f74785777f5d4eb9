// Memory of a backfill and a verification, of a history and of one of ten times its size:
//   node --max-old-space-size=192 --max-semi-space-size=8 bench/memory.ts [history]
// The limits are those of the worker's environment (components/migration/migration.ts). History 1 is what the climb makes: 2,000 users, 20,000 posts, as many follows and likes
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import pino from "pino";
import { backfill } from "../app/migration/backfill.ts";
import { deadLetters } from "../app/migration/dead-letters.ts";
import { claimJournal } from "../app/migration/journal.ts";
import { createSink } from "../app/migration/sink/sink.ts";
import { verify } from "../app/migration/verify/verify.ts";
import { farTable } from "./support/far-table.ts";
import { openStores, peakMemory, seconds } from "./support/stores.ts";

const base = Number(process.argv[2] ?? 1);
const log = pino({ level: "silent" });
const signal = new AbortController().signal;
const stores = await openStores();
console.log(`at the beginning ${await peakMemory(async () => {})} MB`);
for (const [index, history] of [base, 10 * base].entries()) {
  const { source, url } = await stores.database(`history_${index}`);
  // By another process: what it takes to make a history is not what is measured.
  execFileSync(process.execPath, [join(import.meta.dirname, "support/make-history.ts"), url, String(history)]);
  const { client, stop } = farTable();
  const journal = await claimJournal({ client: stores.client, tableName: stores.journalTable, run: index + 1 });
  const options = { source, client, tableName: "far", journal, deadLetters: deadLetters(journal), signal, log };
  const sink = createSink({ client, tableName: "far", fence: journal.fence, log });
  let items = 0;
  let took = 0;
  const onProgress = (progress: { items: number }) => {
    items = progress.items;
  };
  const report = (what: string, peak: number) =>
    console.log(`history ${history}, ${what}: ${items} items in ${took.toFixed(1)} s, at most ${peak} MB`);
  const measured = (work: () => Promise<unknown>) =>
    peakMemory(async () => {
      took = await seconds(work);
    });
  report("backfill", await measured(() => backfill({ ...options, sink, onProgress })));
  report("verification", await measured(() => verify({ ...options, caughtUp: async () => {}, onProgress })));
  stop();
}
await stores.stop();
