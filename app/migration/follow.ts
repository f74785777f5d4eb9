import type { Logger } from "pino";
import type { Credentials } from "../aws/secrets.ts";
import { tableNames, tableOf } from "../store/dynamodb/items.ts";
import { isMapped } from "../store/dynamodb/mapping.ts";
import type { DatabaseAddress } from "../store/mysql/login.ts";
import type { Position } from "./binlog/position.ts";
import type { FollowedTables, RowsChanged } from "./binlog/reader.ts";
import type { RowImages } from "./binlog/rows.ts";
import { type Ask, currentPosition } from "./binlog/server.ts";
import { type BinlogStream, followBinlog } from "./binlog/stream.ts";
import { type Change, changeOf, type Poison } from "./cdc/changes.ts";
import { type Lag, LagMeter } from "./cdc/lag.ts";
import { Lanes } from "./cdc/lanes.ts";
import { type Entry, Ledger } from "./cdc/ledger.ts";
import type { DeadLetters, Sink } from "./model.ts";
import { Rate } from "./sink/rate.ts";
import { openSource } from "./source.ts";

/** The control row as it became, and where in the binlog. */
export interface ControlChange {
  readonly record: string;
  readonly epoch: bigint;
  readonly outbox: boolean;
  readonly version: bigint;
  /** Every change before it is written. */
  readonly after: Position;
}

export interface FollowOptions {
  readonly source: {
    readonly address: DatabaseAddress;
    /** Reads the login afresh. */
    readonly credentials: () => Promise<Credentials>;
  };
  readonly from: Position;
  /** Unix time in seconds up to which everything was written by then. @default now */
  readonly fromTime?: number;
  readonly sink: Pick<Sink, "apply">;
  readonly deadLetters: DeadLetters;
  /** Persists where to go on from: everything before is written. Called about once a second, never twice at once. */
  readonly checkpoint: (position: Position) => Promise<void>;
  /** Told of changes of the control row, in order, and again after a restart; what it throws ends the following. */
  readonly onControl?: (change: ControlChange) => void;
  /** Ends the following; what is under way is finished and the checkpoint taken. */
  readonly signal: AbortSignal;
  readonly log: Pick<Logger, "info" | "warn">;
  /** Rows written at once. @default 128 */
  readonly lanes?: number;
  /** Bytes of the binlog that are read ahead of what is written. @default 4 MB */
  readonly readAhead?: number;
  /** Milliseconds between checkpoints. @default 1000 */
  readonly checkpointEvery?: number;
}

/** Applies what changes in MySQL to the other store, for as long as it lasts. */
export interface Follower {
  /** Everything before it is written. */
  readonly position: Position;
  /** Time of the latest change that is written, as the database's clock had it; undefined before the first. */
  readonly appliedUntil: Date | undefined;
  /** Changes of rows that have been written, or put away as dead letters. */
  readonly rows: number;
  /** Of late. */
  readonly rowsPerSecond: number;
  /** Why nothing comes just now, or why the lag is not known; null while all is well. */
  readonly trouble: string | null;
  lag(): Lag;
  /**
   * Settles when everything before the target is written.
   *
   * @param target @default the end of the server's binlog as of now
   */
  caughtUp(target?: Position): Promise<void>;
  pause(): void;
  resume(): void;
  /**
   * Settles when the signal has ended it.
   *
   * @throws StreamRefused when following on would lose changes
   * @throws Error what sink, dead letters, checkpoint or the database throw
   */
  readonly finished: Promise<void>;
}

const defaults = { lanes: 128, readAhead: 4 * 2 ** 20, checkpointEvery: 1_000 };

const control = { table: "control", columns: new Set(["id", "record", "epoch", "outbox", "version"]) } as const;

/** What is followed: every table that migrates, and the control row. */
function followedTables(schema: string): FollowedTables {
  const tables = new Map<string, ReadonlySet<string>>([[control.table, control.columns]]);
  for (const name of tableNames) tables.set(name, new Set(Object.keys(tableOf(name).columns)));
  return { schema, tables };
}

export function follow(options: FollowOptions): Follower {
  return new LiveFollower(options);
}

/** What is to be done for a row. */
type Task = Change | Poison;

class LiveFollower implements Follower {
  readonly #options: FollowOptions & Required<Pick<FollowOptions, keyof typeof defaults>>;
  readonly #ledger: Ledger;
  readonly #lanes: Lanes<Task, Entry>;
  readonly #stream: BinlogStream;
  readonly #meter: LagMeter;
  readonly #ask: Ask;
  readonly #rate = new Rate();
  /** Ends everything: the caller's signal, or a failure. */
  readonly #end = new AbortController();
  readonly #failed = Promise.withResolvers<never>();
  readonly #waiters = new Set<{ readonly target: Position; readonly done: PromiseWithResolvers<void> }>();
  /** Keys with dead letters: written since, they are resolved. */
  #dead: Set<string> | undefined;
  #loading: Promise<Set<string>> | undefined;
  #rows = 0;
  #isPausedByUser = false;
  #isFull = false;
  #checkpointed: Position;
  readonly finished: Promise<void>;

  constructor(options: FollowOptions) {
    this.#options = { ...defaults, ...options };
    const { source, from, signal, log } = this.#options;
    this.#checkpointed = from;
    this.#ledger = new Ledger(from);
    this.#failed.promise.catch(() => {}); // told by finished
    const ending = AbortSignal.any([signal, this.#end.signal]);
    const reading = openSource({ ...source, connections: 1 });
    this.#ask = (sql) => reading.rows(sql);
    this.#meter = new LagMeter(this.#ask, ending, this.#options.fromTime);
    this.#lanes = new Lanes<Task, Entry>({
      count: this.#options.lanes,
      work: (task) => this.#do(task),
      done: (entry) => this.#done(entry),
      newer: newerOf,
      failed: (error) => this.#failed.reject(error),
    });
    this.#stream = followBinlog({
      ...source,
      from,
      followed: followedTables(source.address.database),
      handler: {
        rows: (changed) => this.#take(changed),
        boundary: (after, at) => {
          this.#ledger.boundary(after, at);
          this.#moved();
        },
      },
      signal: ending,
      log,
    });
    this.finished = this.#run().finally(() => reading.close());
    this.finished.catch(() => {}); // told to whoever waits for it
  }

  get position(): Position {
    return this.#ledger.position;
  }

  get appliedUntil(): Date | undefined {
    return this.#ledger.at === undefined ? undefined : new Date(this.#ledger.at * 1000);
  }

  get rows(): number {
    return this.#rows;
  }

  get rowsPerSecond(): number {
    return this.#rate.perSecond();
  }

  get trouble(): string | null {
    return this.#stream.trouble ?? this.#meter.trouble;
  }

  lag(): Lag {
    return this.#meter.lag(this.#ledger.position, this.#ledger.waitingSince ?? this.#ledger.at);
  }

  async caughtUp(target?: Position): Promise<void> {
    const ended = this.finished.then(() => Promise.reject(new Error("the following has been ended")));
    if (this.#end.signal.aborted) return ended;
    const waiter = { target: target ?? this.#ledger.position, done: Promise.withResolvers<void>() };
    try {
      if (!target) waiter.target = await Promise.race([currentPosition(this.#ask), ended]);
      this.#waiters.add(waiter);
      this.#moved();
      await Promise.race([waiter.done.promise, ended]);
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  pause(): void {
    this.#isPausedByUser = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#isPausedByUser = false;
    if (!this.#isFull) this.#stream.resume();
  }

  async #run(): Promise<void> {
    let saving: Promise<void> | undefined;
    const timer = setInterval(() => {
      saving ??= this.#checkpoint()
        .catch((error) => this.#failed.reject(error))
        .finally(() => {
          saving = undefined;
        });
    }, this.#options.checkpointEvery);
    try {
      await Promise.race([this.#stream.finished, this.#failed.promise]);
    } finally {
      this.#end.abort();
      clearInterval(timer);
      await this.#lanes.stop();
      await saving;
    }
    await this.#checkpoint();
  }

  async #checkpoint(): Promise<void> {
    const { position } = this.#ledger;
    if (position.compare(this.#checkpointed) === 0) return;
    await this.#options.checkpoint(position);
    this.#checkpointed = position;
  }

  #take({ table, rows, after, at, bytes }: RowsChanged): void {
    if (!isMapped(table)) {
      const passed = () => this.#tellControl(rows, after);
      this.#ledger.open({ after, at, bytes, rows: 0, passed });
      return this.#moved();
    }
    const entry = this.#ledger.open({ after, at, bytes, rows: rows.length });
    for (const images of rows) {
      const task = changeOf(table, images);
      this.#lanes.add("row" in task ? task.row.key : task.key, task, entry);
    }
    if (this.#isFull || this.#ledger.bytes < this.#options.readAhead) return;
    this.#isFull = true;
    this.#stream.pause();
  }

  async #do(task: Task): Promise<void> {
    const { sink, deadLetters } = this.#options;
    if (!("row" in task)) return this.#bury({ kind: "mapping", key: task.key, reason: task.reason });
    const { key, items, version } = task.row;
    const { newer, conflict } = await sink.apply(task.row, "cdc");
    if (conflict > 0) {
      const reason = `${conflict} of its ${items.length} items are there in version ${version} with other content`;
      return this.#bury({ kind: "conflict", key, reason });
    }
    // Where a newer version is, what happened to that one decides.
    if (newer > 0) return;
    const dead = this.#dead ?? (await this.#loadDead());
    if (!dead.has(key)) return;
    await deadLetters.resolve(key);
    dead.delete(key);
  }

  async #bury(letter: Parameters<DeadLetters["add"]>[0]): Promise<void> {
    const dead = this.#dead ?? (await this.#loadDead());
    this.#options.log.warn(letter, "a row could not be written");
    await this.#options.deadLetters.add(letter);
    dead.add(letter.key);
  }

  #loadDead(): Promise<Set<string>> {
    this.#loading ??= this.#options.deadLetters.list().then((letters) => {
      this.#dead = new Set(letters.map(({ key }) => key));
      return this.#dead;
    });
    return this.#loading;
  }

  #done(entry: Entry): void {
    if (!this.#ledger.close(entry)) return;
    this.#rows += entry.rows;
    this.#rate.add(entry.rows);
    this.#moved();
  }

  #moved(): void {
    // Half of it free, or every write would stop and start the stream.
    if (this.#isFull && this.#ledger.bytes <= this.#options.readAhead / 2) {
      this.#isFull = false;
      if (!this.#isPausedByUser) this.#stream.resume();
    }
    for (const { target, done } of this.#waiters) if (this.#ledger.position.compare(target) >= 0) done.resolve();
  }

  #tellControl(rows: readonly RowImages[], after: Position): void {
    for (const { after: row } of rows) {
      if (!row) continue;
      const { record, epoch, outbox, version } = row;
      try {
        this.#options.onControl?.({
          record: String(record),
          epoch: BigInt(String(epoch)),
          outbox: Number(outbox) !== 0,
          version: BigInt(String(version)),
          after,
        });
      } catch (error) {
        this.#failed.reject(error);
      }
    }
  }
}

/** Of two changes of a row, the one that leaves nothing to the other. */
function newerOf(waiting: Task, next: Task): Task | undefined {
  if (!("row" in waiting && "row" in next && waiting.isSuperseded && next.isSuperseded)) return undefined;
  if (waiting.row.version === next.row.version) return undefined; // should they differ, that must show
  return next.row.version > waiting.row.version ? next : waiting;
}
