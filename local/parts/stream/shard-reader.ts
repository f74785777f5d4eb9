import { hex } from "../../aws/resource-type.ts";
import { AwsError } from "../../aws/errors.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Delivery } from "./delivery.ts";
import type { Settings } from "./settings.ts";
import type { StreamRecord, StreamSource } from "./source.ts";

/** Most records, and most of their bytes, that wait for their turn; then reading waits. */
const mostWaiting = { records: 10_000, bytes: 32_000_000 };

/** Lambda hands over six megabytes at most, as JSON. */
const mostBytes = 4_000_000;

/** Milliseconds between two looks at a shard that had nothing new. */
const idlePause = 100;

interface Entry {
  readonly record: StreamRecord;
  isDone: boolean;
}

export interface ShardReaderOptions {
  readonly shard: string;
  /** The table's hash key. */
  readonly partitionKey: string;
  readonly source: StreamSource;
  readonly settings: Settings;
  readonly checkpoint: Checkpoint;
  readonly delivery: Delivery;
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly isStopped: () => boolean;
  readonly log: (message: string) => void;
}

/** Reads one shard to its end and hands its records over: lanes beside each other, the records of a key in order. */
export class ShardReader {
  readonly #options: ShardReaderOptions;
  readonly #lanes: Lane[];
  /** Records that are not done with, and some behind them that are, in the shard's order. */
  #waiting: Entry[] = [];
  #bytes = 0;
  /** Last record that was read. */
  #head: string | undefined;
  #hasCaughtUp = false;

  constructor(options: ShardReaderOptions) {
    this.#options = options;
    const { settings, delivery, pause, isStopped } = options;
    this.#lanes = Array.from({ length: settings.lanes }, () => new Lane({ settings, delivery, pause, isStopped }));
  }

  /** Whether everything that the shard has was handed over a moment ago. */
  get isIdle(): boolean {
    return this.#hasCaughtUp && this.#waiting.length === 0;
  }

  /** Returns when the shard is closed and done with, or when the mapping is stopped and nothing is under way. */
  async run(): Promise<void> {
    const { isStopped, pause, checkpoint, shard } = this.#options;
    this.#head = checkpoint.of(shard).after;
    let iterator: string | undefined;
    for (let failures = 0; !isStopped();) {
      try {
        iterator ??= await this.#options.source.iterator(shard, this.#head);
        const page = await this.#options.source.read(iterator);
        failures = 0;
        for (const record of page.records) this.#take(record);
        this.#hasCaughtUp = page.records.length === 0;
        iterator = page.next;
        if (iterator === undefined) break;
        if (page.records.length === 0) await pause(idlePause);
      } catch (error) {
        // An iterator has a life of minutes, and none beyond the emulator's.
        iterator = undefined;
        failures++;
        if (!(error instanceof AwsError && error.code === "ExpiredIteratorException"))
          this.#options.log(`shard ${shard}: ${(error as Error).message}`);
        await pause(Math.min(5000, 50 * 2 ** Math.min(failures, 10)));
      }
      while (this.#isFull() && !isStopped()) await pause(idlePause);
    }
    await Promise.all(this.#lanes.map((lane) => lane.settle()));
    if (!isStopped()) checkpoint.set(shard, { ...checkpoint.of(shard), isDone: true });
  }

  #isFull(): boolean {
    return this.#waiting.length > mostWaiting.records || this.#bytes > mostWaiting.bytes;
  }

  #take(record: StreamRecord): void {
    const entry: Entry = { record, isDone: false };
    this.#waiting.push(entry);
    this.#bytes += record.dynamodb.SizeBytes;
    this.#head = record.dynamodb.SequenceNumber;
    this.#lanes[this.#laneOf(record)]?.add(entry, () => this.#advance());
  }

  /** All records of a partition go through one lane. */
  #laneOf({ dynamodb }: StreamRecord): number {
    if (this.#lanes.length === 1) return 0;
    const partition = JSON.stringify(dynamodb.Keys[this.#options.partitionKey]);
    return Number.parseInt(hex(partition, 8), 16) % this.#lanes.length;
  }

  /** Moves the checkpoint up to the first record that somebody still works on. */
  #advance(): void {
    const open = this.#waiting.findIndex(({ isDone }) => !isDone);
    const finished = this.#waiting.slice(0, open < 0 ? this.#waiting.length : open);
    const last = finished.at(-1);
    if (!last) return;
    this.#waiting = this.#waiting.slice(finished.length);
    for (const { record } of finished) this.#bytes -= record.dynamodb.SizeBytes;
    const { checkpoint, shard } = this.#options;
    checkpoint.set(shard, { after: last.record.dynamodb.SequenceNumber });
  }
}

type LaneOptions = Pick<ShardReaderOptions, "settings" | "delivery" | "pause" | "isStopped">;

/** A queue of records that are handed over batch after batch. */
class Lane {
  readonly #options: LaneOptions;
  #queue: { entry: Entry; advance: () => void; since: number }[] = [];
  #running: Promise<void> | undefined;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  add(entry: Entry, advance: () => void): void {
    this.#queue.push({ entry, advance, since: performance.now() });
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async settle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #run(): Promise<void> {
    const { delivery, isStopped } = this.#options;
    // A page is taken in one go: what belongs to it should be in the first batch.
    await Promise.resolve();
    while (this.#queue.length > 0 && !isStopped()) {
      await this.#fill();
      const batch = this.#queue.splice(0, this.#batchLength());
      let finished = 0;
      await delivery.deliver(
        batch.map(({ entry }) => entry.record),
        (records) => {
          for (const each of batch.slice(finished, finished + records.length)) each.entry.isDone = true;
          finished += records.length;
          batch[0]?.advance();
        },
      );
    }
  }

  /** Waits until a batch is full, or its time is over. */
  async #fill(): Promise<void> {
    const { settings, pause, isStopped } = this.#options;
    const over = (this.#queue[0]?.since ?? 0) + settings.window;
    while (this.#queue.length < settings.batchSize && performance.now() < over && !isStopped())
      await pause(Math.min(idlePause, over - performance.now()));
  }

  #batchLength(): number {
    const { batchSize } = this.#options.settings;
    let bytes = 0;
    const tooMany = this.#queue.slice(0, batchSize).findIndex(({ entry }) => {
      bytes += entry.record.dynamodb.SizeBytes;
      return bytes > mostBytes;
    });
    return tooMany < 0 ? batchSize : Math.max(1, tooMany);
  }
}
