import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { ResourceRecord } from "../../aws/record.ts";
import type { LocalAws } from "../../local-aws.ts";
import { type Stream, streamNamed } from "../dynamo/tables.ts";
import { Checkpoint } from "./checkpoint.ts";
import { type Condition, Delivery } from "./delivery.ts";
import { mappingFacts } from "./facts.ts";
import { type Settings, settingsOf } from "./settings.ts";
import { ShardReader } from "./shard-reader.ts";
import { type Shard, type StreamRecord, StreamSource } from "./source.ts";

/** Milliseconds between two looks for new shards. */
const discoveryPause = 1000;

/** Hands a table's stream to a function, for as long as it is enabled. */
export class Mapping {
  readonly #aws: LocalAws;
  readonly #record: ResourceRecord;
  readonly #settings: Settings;
  readonly #checkpoint: Checkpoint;
  readonly #readers = new Map<string, { reader: ShardReader; ended: Promise<void> }>();
  readonly #stopped = Promise.withResolvers<void>();
  #isStopped = false;
  #hasLooked = false;
  #running: Promise<void> | undefined;

  constructor(aws: LocalAws, record: ResourceRecord) {
    this.#aws = aws;
    this.#record = record;
    this.#settings = settingsOf(record.inputs);
    this.#checkpoint = new Checkpoint(checkpointFile(aws, record));
  }

  /** Settles where to begin, if that is not settled, and begins. */
  async start(): Promise<void> {
    if (this.#checkpoint.isNew) await this.#begin();
    if (this.#settings.isEnabled) this.#running = this.#run();
  }

  async #begin(): Promise<void> {
    if (this.#settings.startingPosition === "LATEST") {
      const source = this.#source(this.#stream());
      for (const { ShardId } of await source.shards()) await this.#skip(source, ShardId);
    }
    this.#checkpoint.save();
  }

  /** Takes everything that a shard has so far as done. */
  async #skip(source: StreamSource, shard: string): Promise<void> {
    let iterator: string | undefined = await source.iterator(shard);
    while (iterator !== undefined) {
      const page = await source.read(iterator);
      const last = page.records.at(-1)?.dynamodb.SequenceNumber;
      if (last !== undefined) this.#checkpoint.set(shard, { after: last });
      if (last === undefined && page.next !== undefined) return;
      iterator = page.next;
    }
    this.#checkpoint.set(shard, { ...this.#checkpoint.of(shard), isDone: true });
  }

  #stream(): Stream {
    const stream = streamNamed(this.#settings.streamArn, this.#aws);
    if (!stream) throw new Error(`there is no stream ${this.#settings.streamArn}`);
    return stream;
  }

  #source({ emulatorStream }: Stream): StreamSource {
    return new StreamSource(this.#aws.dynamodb.api, emulatorStream);
  }

  async #run(): Promise<void> {
    let complaint = "";
    while (!this.#isStopped) {
      try {
        const stream = this.#stream();
        this.#follow(stream, await this.#source(stream).shards());
        this.#hasLooked = true;
        complaint = "";
      } catch (error) {
        this.#hasLooked = false;
        const { message } = error as Error;
        if (message !== complaint) this.#log(message);
        complaint = message;
      }
      await this.#pause(discoveryPause, ...[...this.#readers.values()].map(({ ended }) => ended));
    }
    await Promise.all([...this.#readers.values()].map(({ ended }) => ended));
    this.#checkpoint.save();
  }

  /** Begins with every shard whose parent is done with, so that what happened to an item stays in order. */
  #follow(stream: Stream, shards: readonly Shard[]): void {
    const ids = shards.map(({ ShardId }) => ShardId);
    this.#checkpoint.keep(ids);
    const isDone = (shard: string) => this.#checkpoint.of(shard).isDone === true;
    for (const { ShardId, ParentShardId } of shards) {
      const waits = ParentShardId !== undefined && ids.includes(ParentShardId) && !isDone(ParentShardId);
      if (waits || isDone(ShardId) || this.#readers.has(ShardId)) continue;
      const reader = this.#reader(stream, ShardId);
      const ended = reader.run().then(
        () => void this.#readers.delete(ShardId),
        (error: Error) => {
          this.#readers.delete(ShardId);
          this.#log(`shard ${ShardId}: ${error.stack}`);
        },
      );
      this.#readers.set(ShardId, { reader, ended });
    }
  }

  #reader(stream: Stream, shard: string): ShardReader {
    const pause = (milliseconds: number) => this.#pause(milliseconds);
    const isStopped = () => this.#isStopped;
    const log = (message: string) => this.#log(message);
    const delivery = new Delivery(this.#settings, {
      invoke: (records) => this.#invoke(records),
      giveUp: (records, ...why) => this.#giveUp(shard, records, ...why),
      now: () => Date.now(),
      pause,
      isStopped,
      log,
    });
    return new ShardReader({
      shard,
      partitionKey: stream.partitionKey,
      source: this.#source(stream),
      settings: this.#settings,
      checkpoint: this.#checkpoint,
      delivery,
      pause,
      isStopped,
      log,
    });
  }

  #invoke(records: readonly StreamRecord[]): Promise<string> {
    // The emulator knows neither regions nor the ARNs that the program has.
    const named = { awsRegion: this.#aws.region, eventSourceARN: this.#settings.streamArn };
    const event = JSON.stringify({ Records: records.map((record) => ({ ...record, ...named })) });
    return this.#aws.functions.invokeAgain(this.#settings.functionName, event);
  }

  /** Tells the queue what was given up, as Lambda does: where it is in the stream, not what it is. */
  #giveUp(
    shard: string,
    records: readonly StreamRecord[],
    condition: Condition,
    invocations: number,
    functionError: string | null,
  ): void {
    const [first, last] = [records[0]?.dynamodb, records.at(-1)?.dynamodb];
    this.#log(`gave up ${records.length} records of ${shard} from ${first?.SequenceNumber} on: ${condition}`);
    if (this.#settings.destination === undefined || !first || !last) return;
    const time = (seconds: number) => new Date(seconds * 1000).toISOString();
    const functionArn = mappingFacts.outputs?.(this.#record, this.#aws).functionArn;
    const message = {
      requestContext: {
        requestId: randomUUID(),
        functionArn,
        condition,
        approximateInvokeCount: invocations,
      },
      ...(invocations > 0 && {
        responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError },
      }),
      version: "1.0",
      timestamp: new Date().toISOString(),
      DDBStreamBatchInfo: {
        shardId: shard,
        startSequenceNumber: first.SequenceNumber,
        endSequenceNumber: last.SequenceNumber,
        approximateArrivalOfFirstRecord: time(first.ApproximateCreationDateTime),
        approximateArrivalOfLastRecord: time(last.ApproximateCreationDateTime),
        batchSize: records.length,
        streamArn: this.#settings.streamArn,
      },
    };
    try {
      this.#aws.queues.send(this.#settings.destination, JSON.stringify(message));
    } catch (error) {
      this.#log(`nobody could be told: ${(error as Error).message}`);
    }
  }

  /** Waits until time or the mapping is over, or until something else has happened. */
  async #pause(milliseconds: number, ...others: Promise<void>[]): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const time = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.max(0, milliseconds));
    });
    await Promise.race([time, this.#stopped.promise, ...others]);
    clearTimeout(timer);
  }

  #log(message: string): void {
    this.#aws.log(`mapping of ${this.#settings.functionName}: ${message}`);
  }

  describe() {
    const readers = [...this.#readers.values()].map(({ reader }) => reader);
    return {
      id: this.#record.id,
      function: this.#settings.functionName,
      isEnabled: this.#settings.isEnabled,
      /** Whether everything that was in the stream a moment ago has been handed over. */
      isIdle: this.#hasLooked && readers.every(({ isIdle }) => isIdle),
    };
  }

  /** Lets the batches that are under way finish, and hands over no others. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopped.resolve();
    await this.#running;
  }

  /** Forgets how far it has come. */
  forget(): void {
    this.#checkpoint.remove();
  }
}

function checkpointFile(aws: LocalAws, { id }: ResourceRecord): string {
  return join(aws.dir, "mappings", `${id}.json`);
}
