/** What a position is made of; `offset` and `row` have defaults in {@link Position}'s constructor. */
export interface PositionParts {
  /** Identity of the server whose binlog it is, as `identify` tells it. */
  readonly server: string;
  /** Name of the binlog file, such as `mysql-bin-changelog.000042`. */
  readonly file: string;
  /** Byte in the file at which an event begins. Beyond 2^32 where a transaction is larger than 4 GB. */
  readonly offset: bigint;
  /** Rows of followed tables after that byte that are done with. @default 0 */
  readonly row?: number;
}

/**
 * A place in a server's binlog from which reading can go on: the beginning of a transaction, and how many of its rows
 * have been read. A place within a transaction cannot be asked of the server, as rows are told only by the events before.
 */
export class Position {
  readonly server: string;
  readonly file: string;
  readonly offset: bigint;
  readonly row: number;

  /** @throws Error that names what is wrong */
  constructor({ server, file, offset, row = 0 }: PositionParts) {
    if (server === "") throw new Error("a binlog position names no server");
    if (!fileName.test(file)) throw new Error(`${JSON.stringify(file)} is no name of a binlog file`);
    if (offset < 4n) throw new Error(`no event of a binlog begins at byte ${offset}: the first is at 4`);
    if (!Number.isSafeInteger(row) || row < 0) throw new Error(`${row} is no number of rows after a binlog position`);
    this.server = server;
    this.file = file;
    this.offset = offset;
    this.row = row;
  }

  /**
   * Reads what {@link toJSON} gives.
   *
   * @throws Error that says what is wrong with it
   */
  static parse(json: unknown): Position {
    const { server, file, offset, row } = (json ?? {}) as Record<string, unknown>;
    if (
      typeof server !== "string" ||
      typeof file !== "string" ||
      typeof offset !== "string" ||
      !/^\d{1,20}$/.test(offset) ||
      typeof row !== "number"
    )
      throw new Error(`${JSON.stringify(json)} is no binlog position`);
    return new Position({ server, file, offset: BigInt(offset), row });
  }

  toJSON(): { server: string; file: string; offset: string; row: number } {
    return { server: this.server, file: this.file, offset: String(this.offset), row: this.row };
  }

  /**
   * Negative when it is before the other, positive when it is after.
   *
   * @throws Error for positions of different servers: neither is before the other
   */
  compare(other: Position): number {
    if (this.server !== other.server)
      throw new Error(`${this} of server ${this.server} cannot be compared with ${other} of server ${other.server}`);
    const files = compareFiles(this.file, other.file);
    if (files !== 0) return files;
    if (this.offset !== other.offset) return this.offset < other.offset ? -1 : 1;
    return this.row - other.row;
  }

  /** As `file:offset`, with `+rows` within a transaction. */
  toString(): string {
    return `${this.file}:${this.offset}${this.row > 0 ? `+${this.row}` : ""}`;
  }
}

const fileName = /^.+\.(\d+)$/;

/** Files are numbered: by their numbers, as `binlog.1000000` comes after `binlog.999999`. */
export function compareFiles(one: string, other: string): number {
  const number = (file: string) => Number(fileName.exec(file)?.[1] ?? 0);
  return number(one) - number(other);
}
