import { setTimeout as pause } from "node:timers/promises";
import type { Version } from "../../domain/version.ts";
import type { DynamoTable, Items } from "../../store/dynamodb/dynamo-table.ts";
import type { Key } from "../../store/dynamodb/keys.ts";
import { contentOf, keyOf, versionOf } from "../../store/dynamodb/mapping.ts";
import type { Differences, MappedRow } from "../model.ts";
import type { Source } from "../source.ts";
import { type ReadRow, rowsByKey } from "../table-rows.ts";
import { isTombstone, placeAt, placeOf } from "./judge.ts";

/** How a row and its items differ, for good. */
export interface Finding {
  readonly kind: keyof Differences;
  /** The items in question. */
  readonly items: readonly Key[];
  readonly reason: string;
}

/** A row that was not equal to its items when it was looked at first. */
export interface Suspect {
  /** Table and primary key. */
  readonly key: string;
  /** Items that were found and may not be the row's. */
  readonly items?: readonly Key[];
}

export interface SettlerOptions {
  /** The primary. */
  readonly source: Pick<Source, "rows">;
  readonly table: DynamoTable;
  /** Settles when everything that is committed by now has been written as items. */
  readonly caughtUp: () => Promise<void>;
  /** Told of each row once: how it differs; undefined when it does not. */
  readonly found: (key: string, finding: Finding | undefined) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Rows looked at again at once, and rows that may wait for it. */
const batchSize = 300;
const waitingLimit = 2000;

/** Looks after which a row that changes all the time is given up. */
const patience = 300;

/** Looks after which the row is read over and over while changes are waited for, and milliseconds between two reads. */
const hotAfter = 2;
const sampleInterval = 10;

/** Images of a row that are remembered. */
const remembered = 500;

interface Case {
  readonly key: string;
  readonly items: Map<string, Key>;
  /** Every image of the row that has been read: contents by version and place. */
  readonly seen: Map<Version, Map<string, string>>;
  readonly done: PromiseWithResolvers<void>;
  looks: number;
  /** What the last look found, in one string. */
  last: string | undefined;
}

/**
 * Looks at rows and their items again until it is known whether they differ. A row is read, then whatever was committed by
 * then is waited for, then its items are read: an item that is older by then is not just late. Each item is compared with
 * the row's image of the very version that it has, whenever that was read, so that also rows that never rest are compared.
 */
export class Settler {
  readonly #options: SettlerOptions;
  readonly #cases = new Map<string, Case>();
  #isRunning = false;
  #lessWaiting = Promise.withResolvers<void>();

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** Rows that are not settled. */
  get waiting(): number {
    return this.#cases.size;
  }

  /** Settles when all of these have been told of. */
  async settle(suspects: readonly Suspect[]): Promise<void> {
    const cases = suspects.map(({ key, items = [] }) => {
      const known: Case = this.#cases.get(key) ?? {
        key,
        items: new Map(),
        seen: new Map(),
        done: Promise.withResolvers(),
        looks: 0,
        last: undefined,
      };
      for (const item of items) known.items.set(placeAt(item), item);
      this.#cases.set(key, known);
      return known;
    });
    if (!this.#isRunning) void this.#run();
    await Promise.all(cases.map(({ done }) => done.promise));
  }

  /** Settles when more may be given to it. */
  async room(): Promise<void> {
    while (this.#cases.size >= waitingLimit && !this.#options.signal.aborted) await this.#lessWaiting.promise;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (this.#cases.size > 0) {
        this.#options.signal.throwIfAborted();
        const batch = [...this.#cases.values()].slice(0, batchSize);
        await this.#look(batch);
        // In turns: those that don't settle go behind the others.
        for (const one of batch) if (this.#cases.delete(one.key)) this.#cases.set(one.key, one);
      }
    } catch (error) {
      for (const { done } of this.#cases.values()) done.reject(error);
      this.#cases.clear();
    }
    this.#isRunning = false;
    this.#stir();
  }

  async #look(batch: readonly Case[]): Promise<void> {
    const { source, table, found } = this.#options;
    const before = await this.#read(batch);
    await this.#caughtUp(batch.filter(({ looks }) => looks >= hotAfter));
    const places = batch.flatMap(({ key, items }) => [...items.values(), ...keysOf(before.get(key))]);
    const there = await table.getAll(places);
    const after = await rowsByKey(
      source,
      batch.map(({ key }) => key),
    );
    for (const one of batch) {
      one.looks++;
      const finding = judge(one, before.get(one.key), after.get(one.key), there);
      const said = JSON.stringify(finding);
      // A difference must show twice, as a row may be changed by hand just between two reads.
      const isSettled = finding === "equal" || (finding !== "undecided" && one.last === said);
      one.last = said;
      if (!isSettled && one.looks < patience) continue;
      const result = finding === "equal" ? undefined : finding === "undecided" ? restless : finding;
      await found(one.key, result);
      this.#cases.delete(one.key);
      one.done.resolve();
      this.#stir();
    }
  }

  async #caughtUp(hot: readonly Case[]): Promise<void> {
    const { caughtUp, signal } = this.#options;
    let isOver = false;
    const waiting = caughtUp().finally(() => {
      isOver = true;
    });
    const aborted = new Promise<never>((_, reject) => {
      if (signal.aborted) reject(signal.reason as Error);
      signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
    const sampling = (async () => {
      while (hot.length > 0 && !isOver && !signal.aborted) {
        await this.#read(hot);
        await pause(sampleInterval);
      }
    })();
    await Promise.race([Promise.all([waiting, sampling]), aborted]);
  }

  /** Rows as they are now; their images are remembered. */
  async #read(batch: readonly Case[]): Promise<Map<string, ReadRow>> {
    const rows = await rowsByKey(
      this.#options.source,
      batch.map(({ key }) => key),
    );
    for (const { key, seen } of batch) {
      const mapped = rows.get(key)?.mapped;
      if (mapped && !(mapped instanceof Error)) remember(seen, mapped);
    }
    return rows;
  }

  #stir(): void {
    this.#lessWaiting.resolve();
    this.#lessWaiting = Promise.withResolvers();
  }
}

const restless: Finding = { kind: "lagging", items: [], reason: "it changes too often to be compared" };

function remember(seen: Case["seen"], { version, items }: MappedRow): void {
  if (seen.has(version)) return;
  seen.set(version, new Map(items.map((item) => [placeOf(item), contentOf(item)])));
  if (seen.size > remembered) seen.delete(seen.keys().next().value as Version);
}

function keysOf(row: ReadRow | undefined): Key[] {
  return row === undefined || row.mapped instanceof Error ? [] : row.mapped.items.map(keyOf);
}

/**
 * @param before the row as it was read before changes were waited for
 * @param after as it was read when its items had been read
 */
function judge(
  { items, seen }: Case,
  before: ReadRow | undefined,
  after: ReadRow | undefined,
  there: Items,
): Finding | "equal" | "undecided" {
  if (after?.mapped instanceof Error) return { kind: "mapping", items: [], reason: after.mapped.message };
  if (before?.mapped instanceof Error) return "undecided";
  if (!before !== !after) return "undecided"; // it came or went meanwhile
  const wanted = new Map(after?.mapped.items.map((item) => [placeOf(item), item]));
  const leftOver = [...items].filter(([place, key]) => {
    const item = there.at(key);
    return !wanted.has(place) && item && !isTombstone(item);
  });
  if (leftOver.length > 0) {
    const reason = after ? "the row has no such item" : "there is no such row";
    return { kind: "extra", items: leftOver.map(([, key]) => key), reason };
  }
  if (!before || !after) return "equal";
  return compare(before.mapped as MappedRow, after.mapped, seen, there);
}

function compare(
  before: MappedRow,
  after: MappedRow,
  seen: Case["seen"],
  there: Items,
): Finding | "equal" | "undecided" {
  let isDecided = true;
  const differing = { missing: [] as Key[], stale: [] as Key[], conflict: [] as Key[] };
  for (const item of after.items) {
    const key = keyOf(item);
    const found = there.at(key);
    if (!found) {
      differing.missing.push(key);
      continue;
    }
    const version = versionOf(found);
    if (version < before.version) differing.stale.push(key);
    else if (version > after.version) differing.conflict.push(key);
    else {
      const image = seen.get(version) ?? (version === after.version ? contentsOf(after) : undefined);
      if (!image) isDecided = false;
      else if (image.get(placeOf(item)) !== contentOf(found)) differing.conflict.push(key);
    }
  }
  for (const kind of ["conflict", "missing", "stale"] as const)
    if (differing[kind].length > 0) return { kind, items: differing[kind], reason: reasons[kind] };
  return isDecided ? "equal" : "undecided";
}

function contentsOf({ items }: MappedRow): Map<string, string> {
  return new Map(items.map((item) => [placeOf(item), contentOf(item)]));
}

const reasons = {
  conflict: "an item has the row's version with other content, or a version that the row never had",
  missing: "there is no such item",
  stale: "the item is older than the row, and no change of it is on its way",
};
