import type { Position } from "../binlog/position.ts";

/** An event that was read and is not known to be written yet. */
export interface Entry {
  readonly rows: number;
  /** Writes of it that are under way. */
  open: number;
}

interface Line extends Entry {
  after: Position;
  at: number;
  readonly bytes: number;
  readonly passed: (() => void) | undefined;
}

/**
 * What was read, in its order, until it is written: the position to go on from never passes a write that is not finished,
 * in whatever order writes finish.
 */
export class Ledger {
  readonly #lines: Line[] = [];
  #head = 0;
  #position: Position;
  #at: number | undefined;
  #bytes = 0;

  constructor(from: Position) {
    this.#position = from;
  }

  /** All before it is written. */
  get position(): Position {
    return this.#position;
  }

  /** Unix time in seconds of the latest change before {@link position}. */
  get at(): number | undefined {
    return this.#at;
  }

  /** As {@link at}, of the first that is not written. */
  get waitingSince(): number | undefined {
    return this.#lines[this.#head]?.at;
  }

  /** Bytes of the binlog that were read and are not written. */
  get bytes(): number {
    return this.#bytes;
  }

  get isEmpty(): boolean {
    return this.#head === this.#lines.length;
  }

  /** Takes note of an event; whoever writes its rows closes it by {@link close}, as often as it has rows. */
  open(line: { after: Position; at: number; bytes: number; rows: number; passed?: () => void }): Entry {
    const { after, at, bytes, rows, passed } = line;
    const entry: Line = { rows, open: rows, after, at, bytes, passed };
    this.#lines.push(entry);
    this.#bytes += bytes;
    if (rows === 0) this.#advance();
    return entry;
  }

  /** One write of it is finished; tells whether that was the last of them. */
  close(entry: Entry): boolean {
    entry.open--;
    if (entry.open > 0) return false;
    this.#advance();
    return true;
  }

  /** A transaction is complete. Of many in a row without followed rows, only the last is kept. */
  boundary(after: Position, at: number): void {
    const last = this.#lines.at(-1);
    if (last && !this.isEmpty && last.open === 0 && last.bytes === 0 && !last.passed) {
      last.after = after;
      last.at = at;
    } else if (this.isEmpty) this.#moveTo(after, at);
    else this.open({ after, at, bytes: 0, rows: 0 });
  }

  #advance(): void {
    for (let line = this.#lines[this.#head]; line?.open === 0; line = this.#lines[this.#head]) {
      this.#head++;
      this.#bytes -= line.bytes;
      this.#moveTo(line.after, line.at);
      line.passed?.();
    }
    // What is done with goes in large pieces: moving the rest up each time would take longer than the writes.
    if (this.#head > 1024 && this.#head * 2 > this.#lines.length) {
      this.#lines.splice(0, this.#head);
      this.#head = 0;
    }
  }

  #moveTo(position: Position, at: number): void {
    this.#position = position;
    this.#at = at;
  }
}
