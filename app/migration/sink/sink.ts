import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Logger } from "pino";
import type { Applier, Outcome } from "../../store/dynamodb/apply.ts";
import { isTransient } from "../../store/dynamodb/failures.ts";
import { keyOf, sizeOf } from "../../store/dynamodb/mapping.ts";
import type { Inserted, MappedRow, Sink, Tally } from "../model.ts";
import { Pacer } from "./pacer.ts";
import { Rate } from "./rate.ts";
import { insertStatements, singlePuts, transactions, type Verdict, type Way, type Write } from "./requests.ts";

export interface SinkOptions {
  /** Without retries of its own: pacing is the sink's. */
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** The worker's: every item says in its origin who wrote it last. */
  readonly fence: number;
  /** Requests under way at once. @default 8 */
  readonly concurrency?: number;
  /** Milliseconds without any answer after which it gives up. @default 60000 */
  readonly patience?: number;
  readonly log: Pick<Logger, "info" | "warn">;
}

/** Bytes of items in one request, well within the 4 MB of a transaction. */
const requestBytes = 3_000_000;

/** Milliseconds since the last throttling during which each item is written in the way that costs the least throughput. */
const thriftyFor = 60_000;

/** Milliseconds, at most, before an item that somebody else was changing is tried again. */
const contentionPause = 40;

/** As much before one whose request was not answered, doubled with each request that isn't. */
const firstPause = 50;
const longestPause = 5000;

/** Makes the sink over a table. */
export function createSink(options: SinkOptions): Sink {
  return new TableSink(options);
}

/** An item on its way. */
interface Put extends Write {
  readonly key: string;
  readonly row: MappedRow;
  readonly group: Group;
  readonly bytes: number;
  /** Whether it is likely that nothing is there yet. */
  isNew: boolean;
}

/** What one call asked for. */
interface Group {
  readonly waiting: Put[];
  unsettled: number;
  readonly tally: Record<Outcome, number>;
  readonly conflicts: Set<string>;
  readonly done: PromiseWithResolvers<void>;
}

/**
 * Items wait in a queue per call; requests take from all queues in turn, so that the items of one call, which often lie in
 * the same partition, spread over many requests. What is applied one by one goes together as soon as it comes faster than
 * requests are answered.
 */
class TableSink implements Sink {
  readonly #options: SinkOptions;
  readonly #concurrency: number;
  readonly #patience: number;
  readonly #pacer = new Pacer();
  readonly #rate = new Rate();
  readonly #groups = new Set<Group>();
  #requests = 0;
  #isWoken = false;
  #alarm: NodeJS.Timeout | undefined;
  #answeredAt = performance.now();
  #losses = 0;
  #isThrifty = false;

  constructor(options: SinkOptions) {
    this.#options = options;
    this.#concurrency = options.concurrency ?? 8;
    this.#patience = options.patience ?? 60_000;
  }

  insert(rows: readonly MappedRow[], applier: Applier): Promise<Inserted> {
    return this.#write(rows, applier, true);
  }

  apply(row: MappedRow, applier: Applier): Promise<Tally> {
    return this.#write([row], applier, false);
  }

  rate(): number {
    return this.#rate.perSecond();
  }

  async #write(rows: readonly MappedRow[], applier: Applier, isNew: boolean): Promise<Inserted> {
    const group: Group = {
      waiting: [],
      unsettled: 0,
      tally: { applied: 0, same: 0, newer: 0, conflict: 0 },
      conflicts: new Set(),
      done: Promise.withResolvers(),
    };
    const origin = `${applier}#${this.#options.fence}` as const;
    for (const row of rows)
      for (const item of row.items) {
        const { pk, sk } = keyOf(item);
        group.waiting.push({ item, origin, key: `${pk} ${sk}`, row, group, bytes: sizeOf(item), isNew });
      }
    group.unsettled = group.waiting.length;
    if (group.unsettled === 0) return { ...group.tally, conflicts: [] };
    // Nothing is waiting for answers that may never have been asked for.
    if (this.#groups.size === 0 && this.#requests === 0) this.#answeredAt = performance.now();
    this.#groups.add(group);
    this.#wake();
    await group.done.promise;
    return { ...group.tally, conflicts: [...group.conflicts] };
  }

  /** Looks at the queues in a moment, so that calls of the same moment go together. */
  #wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      this.#send();
    });
  }

  #wakeAfter(milliseconds: number): void {
    if (this.#alarm) return;
    this.#alarm = setTimeout(() => {
      this.#alarm = undefined;
      this.#send();
    }, milliseconds);
  }

  #send(): void {
    while (this.#groups.size > 0 && this.#requests < this.#concurrency) {
      const wait = this.#pacer.wait(insertStatements.limit);
      if (wait > 0) return this.#wakeAfter(wait);
      const [way, puts] = this.#take(this.#pacer.room);
      void this.#request(way, puts);
    }
  }

  /** What goes into the next request, and how. */
  #take(room: number): [Way, Put[]] {
    const isThrifty = this.#pacer.throttledWithin(thriftyFor);
    if (isThrifty !== this.#isThrifty)
      this.#options.log.info({ thrifty: isThrifty }, isThrifty ? "the table throttles" : "the table takes everything");
    this.#isThrifty = isThrifty;
    const [first] = this.#groups;
    const isNew = first?.waiting[0]?.isNew ?? false;
    const way = !isThrifty ? transactions : isNew ? insertStatements : singlePuts;
    const taken = new Map<string, Put>();
    let bytes = 0;
    for (const group of this.#inTurns()) {
      const put = group.waiting[0] as Put;
      if (taken.size >= Math.min(way.limit, room)) break;
      if (taken.size > 0 && bytes + put.bytes > requestBytes) break;
      // A request may name a key only once; and inserts don't go with what must be guarded.
      if (taken.has(put.key) || (isThrifty && put.isNew !== isNew)) continue;
      taken.set(put.key, group.waiting.shift() as Put);
      bytes += put.bytes;
    }
    // Next time another group decides which way it goes.
    if (first && this.#groups.delete(first) && first.waiting.length > 0) this.#groups.add(first);
    return [way, [...taken.values()]];
  }

  /** Each group that has something waiting, again and again until none has or a whole round gave nothing. */
  *#inTurns(): Generator<Group, void, void> {
    for (let hasGiven = true; hasGiven;) {
      hasGiven = false;
      for (const group of [...this.#groups]) {
        const before = group.waiting.length;
        yield group;
        if (group.waiting.length < before) hasGiven = true;
        if (group.waiting.length === 0) this.#groups.delete(group);
      }
    }
  }

  async #request(way: Way, puts: Put[]): Promise<void> {
    const { client, tableName } = this.#options;
    this.#requests++;
    const since = this.#pacer.sent(puts.length);
    let refused = 0;
    try {
      const verdicts = await way.write(client, tableName, puts);
      this.#answeredAt = performance.now();
      this.#losses = 0;
      refused = verdicts.filter((verdict) => verdict === "throttled").length;
      // A transaction that was throttled wrote nothing at all.
      if (refused > 0 && verdicts.includes("untouched")) refused = puts.length;
      puts.forEach((put, index) => this.#settle(put, verdicts[index] as Verdict));
    } catch (error) {
      this.#unanswered(puts, error);
    }
    this.#pacer.settled(puts.length, since, refused);
    this.#requests--;
    this.#send();
  }

  /** Nobody knows what was written: to do it again changes nothing. */
  #unanswered(puts: readonly Put[], error: unknown): void {
    const silence = performance.now() - this.#answeredAt;
    if (!isTransient(error) || silence > this.#patience) {
      for (const { group } of puts) this.#fail(group, error);
      return;
    }
    if (this.#losses++ === 0) this.#options.log.warn({ err: error }, "a write was not answered; it is sent again");
    const pause = Math.min(firstPause * 2 ** this.#losses, longestPause);
    for (const put of puts) this.#againWithin(pause, put);
  }

  #settle(put: Put, verdict: Verdict): void {
    switch (verdict) {
      case "exists":
        put.isNew = false;
        return this.#again(put);
      case "throttled":
      case "untouched":
        return this.#again(put);
      case "contended":
        return this.#againWithin(contentionPause, put);
      default:
        this.#finish(put, verdict);
    }
  }

  /** By chance, so that rivals don't meet again. */
  #againWithin(milliseconds: number, put: Put): void {
    setTimeout(() => {
      this.#again(put);
      this.#wake();
    }, Math.random() * milliseconds);
  }

  #again(put: Put): void {
    put.group.waiting.push(put);
    if (put.group.unsettled > 0) this.#groups.add(put.group);
  }

  #finish({ group, row }: Put, outcome: Outcome): void {
    group.tally[outcome]++;
    if (outcome === "conflict") group.conflicts.add(row.key);
    this.#rate.add(1);
    if (--group.unsettled === 0) group.done.resolve();
  }

  #fail(group: Group, error: unknown): void {
    group.unsettled = 0;
    group.waiting.length = 0;
    this.#groups.delete(group);
    group.done.reject(error);
  }
}
