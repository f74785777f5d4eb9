import type { DeadLetters, Journal, MappedRow, Sink } from "./model.ts";
import { type Division, divide, nameOf, segmentsOf } from "./segments.ts";
import { workOff } from "./pieces.ts";
import type { Source } from "./source.ts";
import { nextRows, type Segment } from "./table-rows.ts";

export interface BackfillProgress {
  /** Rows read and written. */
  readonly rows: number;
  /** Rows that there were when it began. */
  readonly rowsTotal: number;
  /** Items written or found written. */
  readonly items: number;
}

export interface BackfillOptions {
  /** Where old rows are: the copy, or the primary. */
  readonly source: Pick<Source, "rows">;
  readonly sink: Pick<Sink, "insert">;
  readonly journal: Journal;
  readonly deadLetters: DeadLetters;
  /** Told after each chunk, and once at the beginning. */
  readonly onProgress?: (progress: BackfillProgress) => void;
  /** Ends it after the chunks that are under way. */
  readonly signal: AbortSignal;
}

/** How far a segment has been written, as the journal keeps it. */
interface Cursor {
  /** Key of the last row. */
  readonly after?: string;
  readonly rows: number;
  readonly items: number;
  readonly done: boolean;
}

/** Rows read at once: what is done again at most, by segment, when the worker dies. */
const chunkSize = 200;

/** Chunks under way at once, each of another segment: so many are being read while others are being written. */
const lanes = 8;

const begun: Cursor = { rows: 0, items: 0, done: false };

/**
 * Writes all rows that there are, going on from where the journal says. Chunk by chunk in turns through all segments, so
 * that no user's partition has to take everything at once.
 *
 * It need not see rows as of one moment: what changes meanwhile comes by another way, and the newer version wins whichever
 * comes first.
 *
 * @throws the signal's reason when it was ended; Error when source, sink or journal fail for good
 */
export async function backfill(options: BackfillOptions): Promise<void> {
  const { journal, source, signal, onProgress = () => {} } = options;
  let division = await journal.get<Division>("backfill/division");
  if (!division) await journal.put("backfill/division", (division = await divide(source)));
  const cursors = await journal.list<Cursor>("backfill/segment/");
  const total = { rows: 0, items: 0 };
  for (const { rows, items } of cursors.values()) count(total, { rows, items });
  const report = () => onProgress({ ...total, rowsTotal: division.rows });
  report();

  const waiting = segmentsOf(division)
    .map((segment) => ({ segment, cursor: cursors.get(keyOf(segment)) ?? begun }))
    .filter(({ cursor }) => !cursor.done);
  await workOff(waiting, lanes, signal, async ({ segment, cursor }) => {
    const after = await copyChunk(options, segment, cursor);
    count(total, { rows: after.rows - cursor.rows, items: after.items - cursor.items });
    report();
    return after.done ? undefined : { segment, cursor: after };
  });
}

async function copyChunk(options: BackfillOptions, segment: Segment, cursor: Cursor): Promise<Cursor> {
  const { source, sink, journal, deadLetters } = options;
  const read = await nextRows(source, segment, cursor.after, chunkSize);
  const rows: MappedRow[] = [];
  for (const { key, mapped } of read)
    if (mapped instanceof Error) await deadLetters.add({ kind: "mapping", key, reason: mapped.message });
    else rows.push(mapped);
  const { conflicts, applied, same, newer } = await sink.insert(rows, "backfill");
  for (const key of conflicts) await deadLetters.add({ kind: "conflict", key, reason: conflictReason });
  const last = read.at(-1)?.key ?? cursor.after;
  const next: Cursor = {
    ...(last === undefined ? {} : { after: last }),
    rows: cursor.rows + read.length,
    items: cursor.items + applied + same + newer,
    done: read.length < chunkSize,
  };
  await journal.put(keyOf(segment), next);
  return next;
}

const conflictReason = "its very version is there with other content";

function keyOf(segment: Segment): string {
  return `backfill/segment/${nameOf(segment)}`;
}

function count(total: { rows: number; items: number }, more: { rows: number; items: number }): void {
  total.rows += more.rows;
  total.items += more.items;
}
