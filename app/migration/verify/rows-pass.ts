import { keyOf } from "../../store/dynamodb/mapping.ts";
import { workOff } from "../pieces.ts";
import { type Division, nameOf, segmentsOf } from "../segments.ts";
import { nextRows, type ReadRow, type Segment } from "../table-rows.ts";
import { Trail } from "./cursors.ts";
import { isEqual } from "./judge.ts";
import type { Comparison } from "./verify.ts";

/** How far the rows of a segment have been compared, as the journal keeps it. */
interface Cursor {
  /** Key of the last row. */
  readonly after?: string;
  readonly rows: number;
  /** Items that these rows have. */
  readonly items: number;
  readonly done: boolean;
}

interface Piece {
  readonly segment: Segment;
  readonly cursor: Cursor;
  readonly trail: Trail;
}

const prefix = "verify/rows/";

/** Rows compared at once. */
const chunkSize = 200;

/** From rows to items: finds items that are missing, old, or other than their rows. */
export class RowsPass {
  readonly #comparison: Comparison;
  readonly #division: Division;
  #cursors = new Map<string, Cursor>();
  #trails: Trail[] = [];
  #rows = 0;
  #items = 0;
  isDone = false;

  constructor(comparison: Comparison, division: Division) {
    this.#comparison = comparison;
    this.#division = division;
  }

  /** Rows compared, also by those who did so before. */
  get rows(): number {
    return this.#rows;
  }

  /** Items that these rows have. */
  get items(): number {
    return this.#items;
  }

  /** Reads how far it is. */
  async recall(): Promise<void> {
    this.#cursors = await this.#comparison.journal.list<Cursor>(prefix);
    for (const { rows, items } of this.#cursors.values()) this.#count(rows, items);
    this.isDone = this.#pieces().length === 0;
  }

  /** Compares everything that has not been; settles when all of it is settled and kept. */
  async run(lanes: number, signal: AbortSignal): Promise<void> {
    await workOff(this.#pieces(), lanes, signal, (piece) => this.#step(piece));
    await Promise.all(this.#trails.map((trail) => trail.kept));
    this.isDone = true;
  }

  #pieces(): Piece[] {
    const { journal, failed } = this.#comparison;
    const pieces = segmentsOf(this.#division).map((segment) => ({
      segment,
      cursor: this.#cursors.get(prefix + nameOf(segment)) ?? { rows: 0, items: 0, done: false },
      trail: new Trail(journal, failed),
    }));
    this.#trails = pieces.map(({ trail }) => trail);
    return pieces.filter(({ cursor }) => !cursor.done);
  }

  async #step({ segment, cursor, trail }: Piece): Promise<Piece | undefined> {
    const { source, settler } = this.#comparison;
    await settler.room();
    const rows = await nextRows(source, segment, cursor.after, chunkSize);
    const { suspects, items } = await this.#compare(rows);
    const last = rows.at(-1)?.key ?? cursor.after;
    const next: Cursor = {
      ...(last === undefined ? {} : { after: last }),
      rows: cursor.rows + rows.length,
      items: cursor.items + items,
      done: rows.length < chunkSize,
    };
    trail.add(prefix + nameOf(segment), next, settler.settle(suspects.map((key) => ({ key }))));
    this.#count(rows.length, items);
    this.#comparison.progressed();
    return next.done ? undefined : { segment, cursor: next, trail };
  }

  async #compare(rows: readonly ReadRow[]): Promise<{ suspects: string[]; items: number }> {
    const wanted = rows.flatMap(({ mapped }) => (mapped instanceof Error ? [] : mapped.items));
    const there = await this.#comparison.table.getAll(wanted.map(keyOf));
    const suspects = rows.filter(
      ({ mapped }) => mapped instanceof Error || !mapped.items.every((item) => isEqual(item, there.at(keyOf(item)))),
    );
    return { suspects: suspects.map(({ key }) => key), items: wanted.length };
  }

  #count(rows: number, items: number): void {
    this.#rows += rows;
    this.#items += items;
  }
}
