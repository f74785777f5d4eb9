import { Position } from "./position.ts";

/** What 32 bits hold. */
const span = 2n ** 32n;

/**
 * Keeps account of where in the binlog a reader is. Events tell only the low 32 bits of where they end, and the server
 * can be asked for 32 bits only: within a file that a huge transaction has made larger than 4 GB, the place to go on from
 * stays before it, and rows are counted from there.
 */
export class Places {
  readonly #server: string;
  #file: string;
  #offset: bigint;
  /** Last byte before {@link #offset} that can be asked for, at which a transaction begins. */
  #base: bigint;
  #rowsSinceBase = 0;
  /** Rows after the base that have been read on an earlier connection. */
  #known: number;

  constructor({ server, file, offset, row }: Position) {
    this.#server = server;
    this.#file = file;
    this.#offset = offset;
    this.#base = offset;
    this.#known = row;
  }

  /** Takes note of the event's end. */
  passed(low: number): void {
    if (low === 0) return;
    let end = (this.#offset & ~(span - 1n)) | BigInt(low);
    if (end < this.#offset) end += span;
    this.#offset = end;
  }

  /** Reading goes on there; tells whether that is another file. */
  enter(file: string, offset: bigint): boolean {
    if (file === this.#file) return false;
    this.#file = file;
    this.#offset = offset;
    this.#base = offset;
    this.#rowsSinceBase = 0;
    this.#known = 0;
    return true;
  }

  /** Counts rows; returns those that have not been read before. */
  unread<T>(rows: readonly T[]): readonly T[] {
    const read = Math.min(Math.max(this.#known - this.#rowsSinceBase, 0), rows.length);
    this.#rowsSinceBase += rows.length;
    return read === 0 ? rows : rows.slice(read);
  }

  /** A transaction ends here. */
  completed(): void {
    if (this.#offset >= span) return;
    this.#base = this.#offset;
    this.#rowsSinceBase = 0;
    this.#known = 0;
  }

  /** Where reading can go on from. */
  resumable(): Position {
    return new Position({
      server: this.#server,
      file: this.#file,
      offset: this.#base,
      row: Math.max(this.#rowsSinceBase, this.#known),
    });
  }

  /** The end of the latest event. */
  here(): Position {
    return new Position({ server: this.#server, file: this.#file, offset: this.#offset });
  }
}
