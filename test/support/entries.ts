import { type Entry, readLedger } from "../../climb/traffic/ledger.ts";

/** Everything in a ledger. */
export async function entriesOf(path: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of readLedger(path)) entries.push(entry);
  return entries;
}
