import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoTable } from "../../store/dynamodb/dynamo-table.ts";
import type { Key } from "../../store/dynamodb/keys.ts";
import { isMapped } from "../../store/dynamodb/mapping.ts";
import type { CountedDeadLetters } from "../dead-letters.ts";
import type { Differences, Journal } from "../model.ts";
import { type Division, divide } from "../segments.ts";
import type { Source } from "../source.ts";
import { recount } from "./counters.ts";
import { ItemsPass } from "./items-pass.ts";
import { RowsPass } from "./rows-pass.ts";
import { type Finding, Settler } from "./settler.ts";

export interface VerifyOptions {
  /** The primary. */
  readonly source: Pick<Source, "rows">;
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly journal: Journal;
  readonly deadLetters: CountedDeadLetters;
  /** Settles when everything that is committed by now has been written as items. */
  readonly caughtUp: () => Promise<void>;
  /** Told after each chunk, and once at the beginning. */
  readonly onProgress?: (progress: Verified) => void;
  /** Ends it after the chunks that are under way. */
  readonly signal: AbortSignal;
}

/** What a verification has compared and found, so far or in all. */
export interface Verified {
  /** Rows compared with their items. */
  readonly rows: number;
  /** Rows that there were when it began. */
  readonly rowsTotal: number;
  /** Items compared with their rows. */
  readonly items: number;
  /** Items that rows have; not exact until all rows are compared. */
  readonly itemsTotal: number;
  /** As counted by rows. While it goes on, rows that are looked at again count as lagging. */
  readonly differences: Differences;
  /**
   * Counters in MySQL that do not say what there is to count. No difference between the stores: both have the same wrong
   * number.
   */
  readonly miscounted: readonly string[];
}

/** A row that differs from its items, as the journal keeps it under `verify/mismatch/` and the row's key. */
export interface Mismatch extends Finding {
  /** Table and primary key; `item/…` and the item's key where an item does not say which row it is of. */
  readonly key: string;
}

/** All that passes have in common. */
export interface Comparison {
  readonly source: Pick<Source, "rows">;
  readonly table: DynamoTable;
  readonly client: DynamoDBClient;
  readonly journal: Journal;
  readonly settler: Settler;
  /** Told of an item that no look at a row would explain. */
  readonly foundItem: (item: Key) => Promise<void>;
  /** Told when something that goes on in the background has failed. */
  readonly failed: (error: unknown) => void;
  readonly progressed: () => void;
}

/** Where a verification keeps what it knows, in the journal. */
const prefix = "verify/";
const mismatchPrefix = `${prefix}mismatch/`;

/** Chunks under way at once: while one is being read from one store, others are from the other. */
const lanes = 6;

/** Milliseconds during which a read of the table is tried again: nobody waits for it. */
const patience = 60_000;

/**
 * Compares every row with every item that it should have, and every item with the row that it is of, while both change, and
 * goes on from where the journal says. What differs at first sight is looked at again until it has settled.
 *
 * @throws the signal's reason when it was ended; Error when source, table, journal or `caughtUp` fail for good
 */
export async function verify(options: VerifyOptions): Promise<Verified> {
  const { source, client, tableName, journal, deadLetters, caughtUp, onProgress = () => {} } = options;
  let division = await journal.get<Division>(`${prefix}division`);
  if (!division) await journal.put(`${prefix}division`, (division = await divide(source)));
  const kinds = new Map((await mismatches(journal)).map(({ key, kind }) => [key, kind]));
  const table = new DynamoTable({ client, name: tableName, patience });

  // A failure in the background ends everything, as the signal does.
  const failure = new AbortController();
  const signal = AbortSignal.any([options.signal, failure.signal]);
  const failed = (error: unknown) => failure.abort(error);

  const note = async (key: string, finding: Finding | undefined) => {
    if (finding) {
      kinds.set(key, finding.kind);
      await journal.put(mismatchPrefix + key, { ...finding, key });
    } else {
      // It may have differed when somebody looked before, and was cut off.
      if (kinds.delete(key)) await journal.remove(mismatchPrefix + key);
      await deadLetters.resolve(key);
    }
  };
  const settler = new Settler({ source, table, caughtUp, found: note, signal });
  let miscounted: readonly string[] = [];
  const state = (): Verified => {
    const differences = { lagging: settler.waiting, stale: 0, missing: 0, extra: 0, mapping: 0, conflict: 0 };
    for (const kind of kinds.values()) differences[kind]++;
    const itemsTotal = Math.round((rowsPass.items * division.rows) / Math.max(1, rowsPass.rows));
    const { rows } = rowsPass;
    const whole = rowsPass.isDone ? { rowsTotal: rows, itemsTotal: Math.max(rowsPass.items, itemsPass.items) } : {};
    return {
      rows,
      rowsTotal: Math.max(rows, division.rows),
      items: itemsPass.items,
      itemsTotal,
      ...whole,
      differences,
      miscounted,
    };
  };
  const comparison: Comparison = {
    source,
    table,
    client,
    journal,
    settler,
    foundItem: (item) =>
      note(`item/${item.pk}/${item.sk}`, {
        kind: "extra",
        items: [item],
        reason: "it does not say which row it is of",
      }),
    failed,
    progressed: () => onProgress(state()),
  };
  const [rowsPass, itemsPass] = [new RowsPass(comparison, division), new ItemsPass(comparison)];
  await Promise.all([rowsPass.recall(), itemsPass.recall()]);
  onProgress(state());
  await rowsPass.run(lanes, signal);
  await itemsPass.run(lanes, signal);
  // What was put away as unwritable may have been written or deleted since.
  const letters = (await deadLetters.list()).map(({ key }) => key).filter(isKeyOfRow);
  await settler.settle(letters.map((key) => ({ key })));
  miscounted = await recount(source, signal);
  signal.throwIfAborted();
  return state();
}

/** Forgets what has been compared and found, so that the next verification begins from the start. */
export async function forgetVerification(journal: Journal): Promise<void> {
  const kept = await journal.list(prefix);
  await Promise.all([...kept.keys()].map((key) => journal.remove(key)));
}

/** What the latest verification has found. */
export async function mismatches(journal: Pick<Journal, "list">): Promise<Mismatch[]> {
  return [...(await journal.list<Mismatch>(mismatchPrefix)).values()];
}

/** The mismatch has been mended. */
export async function forgetMismatch(journal: Journal, { key }: Mismatch): Promise<void> {
  await journal.remove(mismatchPrefix + key);
}

/** Whether it names a row of a table, with all of its key. */
export function isKeyOfRow(key: string): boolean {
  return isMapped(key.split("/")[0] ?? "") && !key.includes("?");
}
