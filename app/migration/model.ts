import type { Item, TableName } from "../store/dynamodb/items.ts";
import type { Applier, Outcome } from "../store/dynamodb/apply.ts";
import type { Version } from "../domain/version.ts";

/**
 * How MySQL's rows get into DynamoDB.
 * - `snapshot`: old rows from a copy restored from a snapshot, changes from the binlog
 * - `dual-write`: old rows from the primary, changes by the servers themselves and an outbox
 * - `bulk`: old rows from the primary with raised write throughput, changes from the binlog
 */
export type Strategy = "snapshot" | "dual-write" | "bulk";

/** What the worker does, one after the other. */
export const stages = ["preflight", "backfill", "catch-up", "verify", "ready"] as const;

/** What the worker is at. `failed`: it cannot go on by itself, and says why. */
export type Stage = (typeof stages)[number] | "failed";

/** A row as it goes from one store to the other. */
export interface MappedRow {
  readonly table: TableName;
  /** Table and primary key as one string, as `rowKey` makes it. */
  readonly key: string;
  readonly version: Version;
  /** The whole row first, then its lookups. */
  readonly items: readonly Item[];
}

/** What became of items. */
export type Tally = Readonly<Record<Outcome, number>>;

/** What became of many rows. */
export interface Inserted extends Tally {
  /** Keys of the rows whose very version is there with other content. */
  readonly conflicts: readonly string[];
}

/** Where rows go: guarded by their versions, paced by what the table takes, safe to be done twice or by two. */
export interface Sink {
  /**
   * Writes rows most of which are not there yet, in batches.
   *
   * @throws Error when the table refuses for good; throttling is waited out, not thrown
   */
  insert(rows: readonly MappedRow[], applier: Applier): Promise<Inserted>;
  /** Writes one row over older versions of it; what is asked for in the same moment goes together. */
  apply(row: MappedRow, applier: Applier): Promise<Tally>;
  /** Items written per second of late. */
  rate(): number;
}

/** Why a row is not in the other store. */
export interface DeadLetter {
  /** `mapping`: it cannot become items. `conflict`: its very version is there with other content. */
  readonly kind: "mapping" | "conflict";
  /** Table and primary key, as far as they could be read. */
  readonly key: string;
  readonly reason: string;
  /** ISO 8601 time at which it was met first. */
  readonly at: string;
}

/** Collects rows that could not be written; they hold the gate to the next phase shut. */
export interface DeadLetters {
  add(letter: Omit<DeadLetter, "at">): Promise<void>;
  /** The row has been written since. */
  resolve(key: string): Promise<void>;
  list(): Promise<DeadLetter[]>;
}

/**
 * What the worker persists, in a table of its own. Values are JSON: no bigint, no Buffer.
 *
 * Whoever claims it last owns it: every write of an earlier owner fails.
 */
export interface Journal {
  /** Raised by each claim. */
  readonly fence: number;
  get<T>(key: string): Promise<T | undefined>;
  /** Values whose keys begin with the prefix, by their whole keys. */
  list<T>(prefix: string): Promise<Map<string, T>>;
  /** @throws Deposed when somebody else has claimed the journal since */
  put(key: string, value: unknown): Promise<void>;
  /** @throws Deposed when somebody else has claimed the journal since */
  remove(key: string): Promise<void>;
}

/** Another worker has taken over; this one must end. */
export class Deposed extends Error {
  constructor(fence: number) {
    super(`Another worker has taken over from the one with fence ${fence}.`);
    this.name = "Deposed";
  }
}

/** Kinds of differences between a row and its items, once they have settled. */
export interface Differences {
  /** The item is older, and the change that made the row newer is on its way. */
  readonly lagging: number;
  /** The item is older, and what would have brought it up to date has passed. */
  readonly stale: number;
  /** There is no item. */
  readonly missing: number;
  /** There is an item, not deleted, and no row. */
  readonly extra: number;
  /** The row cannot become items. */
  readonly mapping: number;
  /** Same version, other content. */
  readonly conflict: number;
}

/** Everything that is shown of a migration: on its page, in the terminal, as metrics. Times are ISO 8601. */
export interface MigrationStatus {
  /** Counts the migrations of this stack, from 1. */
  readonly run: number;
  readonly strategy: Strategy;
  readonly stage: Stage;
  /** As `stage`; where that is `failed`, the stage in which it failed. */
  readonly step: (typeof stages)[number];
  readonly paused: boolean;
  /** Time at which this run began. */
  readonly begunAt: string;
  readonly updatedAt: string;
  readonly fence: number;
  readonly backfill: {
    readonly rows: number;
    /** The database's own estimate. */
    readonly rowsTotal: number;
    readonly items: number;
    readonly itemsPerSecond: number;
    readonly etaSeconds: number | null;
  };
  /** Null with dual-write. */
  readonly binlog: {
    readonly position: string;
    readonly rows: number;
    readonly rowsPerSecond: number;
    readonly lagSeconds: number;
    readonly lagBytes: number;
    readonly etaSeconds: number | null;
  } | null;
  /** Null without dual-write. */
  readonly outbox: { readonly waiting: number; readonly oldestSeconds: number } | null;
  readonly verification: {
    /** Rows compared with their items, and items with their rows. */
    readonly rows: number;
    readonly rowsTotal: number;
    readonly items: number;
    /** An estimate until all rows are compared. */
    readonly itemsTotal: number;
    readonly startedAt: string | null;
    /** Null while it goes on. */
    readonly finishedAt: string | null;
    readonly differences: Differences;
    /** Counters that say another number than there is to count, in both stores alike. */
    readonly miscounted: number;
  };
  readonly deadLetters: number;
  /**
   * The binlog is kept for a while only: what is still unread when it expires is lost. Null with dual-write, and where
   * it is kept for ever.
   */
  readonly retention: {
    readonly hours: number;
    /** Seconds until the oldest event that is still needed expires. */
    readonly expiresInSeconds: number;
    readonly level: "ok" | "warning" | "expired";
  } | null;
  /** Why it stands still, and what to do; null while all is well. */
  readonly problem: string | null;
}

/** What a person can ask of the worker. */
export const commands = ["verify", "repair", "pause", "resume"] as const;
export type Command = (typeof commands)[number];
