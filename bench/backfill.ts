// The backfill against the most that the table takes of the same kind of write, in turns:
//   node bench/backfill.ts [rounds]
import pino from "pino";
import { backfill } from "../app/migration/backfill.ts";
import { deadLetters } from "../app/migration/dead-letters.ts";
import { claimJournal } from "../app/migration/journal.ts";
import { transactions } from "../app/migration/sink/requests.ts";
import { createSink } from "../app/migration/sink/sink.ts";
import type { Source } from "../app/migration/source.ts";
import { segmentsOf } from "../app/migration/segments.ts";
import { nextRows } from "../app/migration/table-rows.ts";
import { chunked, inTurns } from "../app/store/dynamodb/dynamo-table.ts";
import type { Item } from "../app/store/dynamodb/items.ts";
import { writeHistory } from "../test/support/history.ts";
import { median, openStores, seconds } from "./support/stores.ts";

const log = pino({ level: "silent" });
const signal = new AbortController().signal;
const stores = await openStores();
const { client, tableName, journalTable } = stores;
let runs = 0;

/** A backfill of its own: nothing of it is in the journal yet. */
async function copy(source: Source): Promise<number> {
  const journal = await claimJournal({ client, tableName: journalTable, run: ++runs });
  const sink = createSink({ client, tableName, fence: journal.fence, log });
  let items = 0;
  await backfill({
    source,
    sink,
    journal,
    deadLetters: deadLetters(journal),
    onProgress: (progress) => {
      items = progress.items;
    },
    signal,
  });
  return items;
}

await measureSpeed(Number(process.argv[2] ?? 3));
await stores.stop();

async function measureSpeed(rounds: number): Promise<void> {
  const size = { users: 200, posts: 1600, relations: 2400 };
  const rates: { ceiling: number; backfill: number }[] = [];
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    const theirs = await stores.database(`ceiling_${round}`);
    await writeHistory(theirs.connection, { ...size, generation: 2 * round });
    const items = await itemsOfAll(theirs.source);
    const ours = await stores.database(`backfill_${round}`);
    await writeHistory(ours.connection, { ...size, generation: 2 * round + 1 });
    const write = (batch: Item[]) =>
      transactions.write(
        client,
        tableName,
        batch.map((item) => ({ item, origin: "backfill#1" })),
      );
    let ceiling = 0;
    let copied = 0;
    let written = 0;
    const raw = async () => {
      ceiling = await seconds(() => inTurns(chunked(items, transactions.limit), 8, write));
    };
    const whole = async () => {
      copied = await seconds(async () => {
        written = await copy(ours.source);
      });
    };
    // Now the one first, now the other: an emulator changes with what it holds.
    for (const one of round % 2 ? [raw, whole] : [whole, raw]) await one();
    if (round === 0) continue;
    rates.push({ ceiling: items.length / ceiling, backfill: written / copied });
    const [a, b] = [items.length / ceiling, written / copied].map(Math.round);
    console.log(`round ${round}: ${items.length} items, ceiling ${a}/s; ${written} items, backfill ${b}/s`);
  }
  const ratios = rates.map((rate) => rate.backfill / rate.ceiling);
  console.log(`backfill / ceiling: ${median(ratios).toFixed(2)} (at least 0.70 is wanted)`);
}

async function itemsOfAll(source: Source): Promise<Item[]> {
  const pages = segmentsOf({ users: [], posts: [], rows: 0 }).map((segment) =>
    nextRows(source, segment, undefined, 1_000_000),
  );
  // In an order as mixed as the backfill's.
  const items = (await Promise.all(pages))
    .flat()
    .flatMap(({ mapped }) => (mapped instanceof Error ? [] : mapped.items));
  return items
    .map((item, index) => ({ item, at: (index * 7919) % items.length }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
