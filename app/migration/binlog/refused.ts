/** Why a binlog cannot be followed any further. */
export type Refusal =
  /** Another server answers than the one whose binlog was being read. */
  | "server-changed"
  /** The server has removed the file, or never had that position. */
  | "purged"
  | "compressed"
  | "partial-rows"
  /** A statement instead of the rows that it changed. */
  | "statement"
  | "not-understood"
  /** Columns are not those that rows are mapped from. */
  | "schema"
  /** A table was emptied or removed as a whole. */
  | "table-gone"
  | "undone"
  /** The server says itself that it has lost events. */
  | "incident"
  | "rights";

/** Reading on would lose changes, or cannot be done at all. The message says what is wrong and what to do. */
export class StreamRefused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal, what: string, toDo: string) {
    super(`${what} ${toDo}`);
    this.name = "StreamRefused";
    this.refusal = refusal;
  }
}

/** What helps when changes cannot be read any more: old rows are copied afresh, from a new position on. */
export const beginAgain =
  "Begin the migration again: take the stack to the phase before the migration, and back. The table is kept, and rows " +
  "that are there already are not written twice.";
