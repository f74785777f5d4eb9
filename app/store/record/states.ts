/** A store. */
export type Place = "mysql" | "dynamodb";

/**
 * What the record's item in DynamoDB says:
 * - `mysql`: MySQL is the record, or about to be again
 * - `fenced`: a switch is being prepared: MySQL takes no writes once its control row says so too
 * - `opening`: readers go to DynamoDB from here on; nobody writes yet. There is no way back from here but through
 *   `dynamodb`
 * - `dynamodb`: DynamoDB is the record
 * - `closing`: a return is being prepared: nobody is permitted to write any more, readers stay
 * - `fenced-back`: readers go to MySQL from here on; nobody writes yet. There is no way back but through `mysql`
 */
export const recordStates = ["mysql", "fenced", "opening", "dynamodb", "closing", "fenced-back"] as const;
export type RecordState = (typeof recordStates)[number];

/** The record's item. */
export interface StoreRecord {
  readonly state: RecordState;
  /** The highest epoch that was ever announced: what is written from `opening` on, and after `fenced-back`, has it. */
  readonly epoch: bigint;
  /** Counts the changes of this item. */
  readonly version: number;
  /** Who made the last change, in words. */
  readonly who: string;
  /** ISO 8601 time of the last change. */
  readonly at: string;
}

/** As long as nobody has written it. */
export const absentRecord: StoreRecord = { state: "mysql", epoch: 0n, version: 0, who: "", at: "" };

/** Where each state can go, and whether that announces a new epoch: before anybody reads or writes by it. */
const moves: Record<RecordState, Partial<Record<RecordState, "same epoch" | "next epoch">>> = {
  mysql: { fenced: "next epoch" },
  fenced: { mysql: "same epoch", opening: "same epoch" },
  opening: { dynamodb: "same epoch" },
  dynamodb: { closing: "same epoch" },
  closing: { dynamodb: "same epoch", "fenced-back": "next epoch" },
  "fenced-back": { mysql: "same epoch" },
};

/** States that can follow this one. */
export function nextStates(state: RecordState): RecordState[] {
  return Object.keys(moves[state]) as RecordState[];
}

export interface MoveBy {
  /** In words, for people. */
  readonly who: string;
  /** ISO 8601. */
  readonly at: string;
  /** An epoch that a new one must exceed: that of MySQL's control row. @default 0 */
  readonly above?: bigint | undefined;
}

/**
 * The record after a move.
 *
 * @throws Error when the state cannot be followed by that one
 */
export function moved(from: StoreRecord, to: RecordState, { who, at, above = 0n }: MoveBy): StoreRecord {
  const epoch = moves[from.state][to];
  if (!epoch)
    throw new Error(
      `The store of record cannot go from ${from.state} to ${to}, only to ${nextStates(from.state).join(" or ")}`,
    );
  const highest = from.epoch > above ? from.epoch : above;
  return { state: to, epoch: epoch === "next epoch" ? highest + 1n : from.epoch, version: from.version + 1, who, at };
}

/** Where reads go when the item says this and MySQL's control row doesn't claim the record. */
export function readsFrom(state: RecordState): Place {
  return state === "opening" || state === "dynamodb" || state === "closing" ? "dynamodb" : "mysql";
}

/** What MySQL's control row says. Its epoch is that of the switch it belongs to. */
export interface Control {
  readonly record: "mysql" | "moving" | "dynamodb";
  readonly epoch: bigint;
}

/** What both halves of the record come to. */
export interface Verdict {
  /** What people would call it. */
  readonly state: RecordState;
  readonly reads: Place;
  /** Nobody, while it is moving. */
  readonly writes: Place | undefined;
  readonly epoch: bigint;
}

/**
 * What the halves say, as far as one of them or both together can say it; undefined when more has to be known.
 *
 * A control row that claims the record for MySQL has it: no item can take it away before that row has let go. An item
 * from `opening` to `closing` has it: it comes there only after the row has let go, and the row takes it back only after
 * the item has come to `fenced-back`. So each of them suffices where it claims the record, and neither store has to be
 * there while the other is the record.
 */
export function judge(control: Control | undefined, item: StoreRecord | undefined): Verdict | undefined {
  if (control?.record === "mysql") return { state: "mysql", reads: "mysql", writes: "mysql", epoch: control.epoch };
  if (!item) return undefined;
  const { state, epoch } = item;
  const writes = state === "dynamodb" ? "dynamodb" : undefined;
  if (readsFrom(state) === "dynamodb") return { state, reads: "dynamodb", writes, epoch };
  return control && { state: state === "mysql" ? "fenced" : state, reads: "mysql", writes: undefined, epoch };
}
