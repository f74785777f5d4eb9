import type { Control, MoveBy, RecordState, StoreRecord } from "./states.ts";
import { times } from "./times.ts";

/** The record's item, as a mover needs it; `item.ts` has the functions over a table. */
export interface ItemHalf {
  read(): Promise<StoreRecord>;
  /** @throws RecordMoved when it is no longer what was read */
  move(from: StoreRecord, to: RecordState, by: MoveBy): Promise<StoreRecord>;
}

/** MySQL's control row, as a mover needs it. */
export interface ControlHalf {
  read(): Promise<Control>;
  fence(epoch: bigint): Promise<Control>;
  give(epoch: bigint): Promise<Control>;
  note(epoch: bigint): Promise<Control>;
}

export interface RecordMoverOptions {
  readonly item: ItemHalf;
  readonly control: ControlHalf;
  /** Who moves the record, in words for people. */
  readonly who: string;
  /** Waits until nobody relies on what was before any more. @default by the clock */
  readonly settle?: (since: number) => Promise<void>;
}

/** The record stands where this step cannot be taken. */
export class WrongState extends Error {
  constructor(step: string, { state, who }: StoreRecord) {
    super(`${step} is not possible: the store of record is ${state}, says ${who || "nobody yet"}`);
    this.name = "WrongState";
  }
}

/**
 * Moves the record, one step at a time. Every step can be taken again, by whoever goes on after the one before died; two
 * who do it at once cannot harm each other: the item decides which way it goes, in one compare-and-set, and MySQL's row
 * follows, bound to the epoch.
 *
 * | from MySQL to DynamoDB                  | and back                                          |
 * |-----------------------------------------|---------------------------------------------------|
 * | `fence`: MySQL takes no more writes      | `close`: DynamoDB takes no more writes            |
 * | (drain, verify; or `lift` calls it off)  | (drain, verify; or `reopen` calls it off)         |
 * | `open`: readers go to DynamoDB           | `openBack`: readers go to MySQL                   |
 * | `flip`: DynamoDB is the record           | `flipBack`: MySQL is the record                   |
 */
export class RecordMover {
  readonly #options: RecordMoverOptions;
  readonly #settle: (since: number) => Promise<void>;
  /** The version of the item that this mover saw last, and when it did so first: by no other clock than our own. */
  #seen = { version: -1, at: 0 };

  constructor(options: RecordMoverOptions) {
    this.#options = options;
    this.#settle = options.settle ?? settled;
  }

  /** Both halves, for who has to decide how to go on. */
  async standing(): Promise<{ item: StoreRecord; control: Control }> {
    const [item, control] = await Promise.all([this.#item(), this.#options.control.read()]);
    return { item, control };
  }

  /**
   * Stops MySQL's writes. When it returns, every write that MySQL has acknowledged is in the binlog, and its row of the
   * control table after it. Servers make writes wait from now on.
   *
   * @throws WrongState when the record is not with MySQL
   */
  async fence(): Promise<StoreRecord> {
    const { control } = this.#options;
    let item = await this.#item();
    if (item.state === "fenced-back") item = await this.flipBack();
    if (item.state === "mysql") item = await this.#move(item, "fenced", (await control.read()).epoch);
    if (item.state !== "fenced") throw new WrongState("Fencing MySQL", item);
    const { record, epoch } = await control.fence(item.epoch);
    // Somebody called it off meanwhile.
    if (record !== "moving" || epoch !== item.epoch) throw new WrongState("Fencing MySQL", await this.#item());
    return item;
  }

  /**
   * Calls the switch off: MySQL goes on as the record.
   *
   * @throws WrongState when readers have gone to DynamoDB already; then it has to be finished, and the return is a switch
   */
  async lift(): Promise<StoreRecord> {
    const item = await this.#item();
    if (item.state !== "fenced" && item.state !== "mysql") throw new WrongState("Lifting the fence", item);
    const lifted = item.state === "fenced" ? await this.#move(item, "mysql") : item;
    if (lifted.epoch > 0n) await this.#options.control.give(lifted.epoch);
    return lifted;
  }

  /**
   * Sends readers to DynamoDB, which must hold all that MySQL held at the fence.
   *
   * @throws WrongState when MySQL's writes are not fenced
   */
  async open(): Promise<StoreRecord> {
    const item = await this.#item();
    if (item.state === "opening") return item;
    const { record, epoch } = await this.#options.control.read();
    if (item.state !== "fenced" || record !== "moving" || epoch !== item.epoch)
      throw new WrongState("Sending readers to DynamoDB", item);
    return this.#move(item, "opening");
  }

  /** Makes DynamoDB the record, once no reader is left at MySQL. */
  async flip(): Promise<StoreRecord> {
    const item = await this.#item();
    if (item.state === "dynamodb") return item;
    if (item.state !== "opening") throw new WrongState("Making DynamoDB the record", item);
    await this.#settle(this.#seen.at);
    return this.#move(item, "dynamodb");
  }

  /** Notes in MySQL that it is no longer the record: nothing depends on it, so MySQL may be away. */
  async note(): Promise<Control> {
    const item = await this.#item();
    if (item.state === "mysql" || item.state === "fenced" || item.state === "fenced-back")
      throw new WrongState("Noting that DynamoDB is the record", item);
    return this.#options.control.note(item.epoch);
  }

  /** Stops DynamoDB's writes. When it returns, nobody has permission to write there, and what was permitted has arrived. */
  async close(): Promise<StoreRecord> {
    let item = await this.#item();
    if (item.state === "dynamodb") item = await this.#move(item, "closing");
    if (item.state !== "closing") throw new WrongState("Closing DynamoDB", item);
    await this.#settle(this.#seen.at);
    return item;
  }

  /** Calls the return off: DynamoDB goes on as the record. */
  async reopen(): Promise<StoreRecord> {
    const item = await this.#item();
    if (item.state === "dynamodb") return item;
    if (item.state !== "closing") throw new WrongState("Going on with DynamoDB", item);
    return this.#move(item, "dynamodb");
  }

  /** Sends readers to MySQL, which must hold all that DynamoDB held when it was closed. */
  async openBack(): Promise<StoreRecord> {
    const item = await this.#item();
    if (item.state === "fenced-back") return item;
    if (item.state !== "closing") throw new WrongState("Sending readers to MySQL", item);
    return this.#move(item, "fenced-back", (await this.#options.control.read()).epoch);
  }

  /** Makes MySQL the record, once no reader is left at DynamoDB. */
  async flipBack(): Promise<StoreRecord> {
    const item = await this.#item();
    if (item.state === "mysql") return item;
    if (item.state !== "fenced-back") throw new WrongState("Making MySQL the record", item);
    await this.#settle(this.#seen.at);
    await this.#options.control.give(item.epoch);
    return this.#move(item, "mysql");
  }

  async #item(): Promise<StoreRecord> {
    return this.#see(await this.#options.item.read());
  }

  async #move(from: StoreRecord, to: RecordState, above?: bigint): Promise<StoreRecord> {
    const { item, who } = this.#options;
    return this.#see(await item.move(from, to, { who, at: new Date().toISOString(), above }));
  }

  #see(item: StoreRecord): StoreRecord {
    if (item.version !== this.#seen.version) this.#seen = { version: item.version, at: performance.now() };
    return item;
  }
}

async function settled(since: number): Promise<void> {
  const rest = since + times.settling - performance.now();
  if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
}
