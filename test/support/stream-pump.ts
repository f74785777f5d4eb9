import { randomUUID } from "node:crypto";
import { DescribeStreamCommand, GetRecordsCommand, GetShardIteratorCommand } from "@aws-sdk/client-dynamodb-streams";
import type { StreamRecord } from "../../app/events/change.ts";
import type { TestTable } from "./test-dynamo.ts";
import { until } from "./wait.ts";

/** Hands a table's stream to a function, as Lambda would: batch by batch, from the beginning, shard after shard. */
export class StreamPump {
  readonly #made: TestTable;
  readonly #work: (records: StreamRecord[]) => Promise<unknown>;
  readonly #done = new Set<string>();
  readonly #seen = new Set<string>();
  /** Every record so far. */
  readonly records: StreamRecord[] = [];
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(made: TestTable, work: (records: StreamRecord[]) => Promise<unknown>) {
    this.#made = made;
    this.#work = work;
  }

  start(): void {
    this.#running ??= this.#run();
    this.#running.catch(() => {}); // told by whoever waits
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Waits until everything that is written so far has been worked on. */
  async settle(): Promise<void> {
    const mark = randomUUID();
    await this.#made.table.writeAll({ puts: [{ pk: { S: "mark" }, sk: { S: mark } }] });
    const isSeen = until(() => this.#seen.has(mark), { timeout: 120_000, describe: "the stream has been worked on" });
    await Promise.race([isSeen, this.#running?.then(() => isSeen)]);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const { StreamDescription } = await this.#made.streams.send(
        new DescribeStreamCommand({ StreamArn: this.#made.streamArn }),
      );
      const shards = StreamDescription?.Shards ?? [];
      // A shard is begun when its parent is finished: an item's records keep their order.
      const open = shards.filter(
        ({ ShardId, ParentShardId }) =>
          !this.#done.has(ShardId ?? "") &&
          (this.#done.has(ParentShardId ?? "") || !shards.some((shard) => shard.ShardId === ParentShardId)),
      );
      await Promise.all(open.map(({ ShardId }) => this.#readShard(ShardId as string)));
    }
  }

  async #readShard(ShardId: string): Promise<void> {
    const { streams, streamArn: StreamArn } = this.#made;
    let { ShardIterator } = await streams.send(
      new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType: "TRIM_HORIZON" }),
    );
    while (ShardIterator && !this.#stopped) {
      const { Records = [], NextShardIterator } = await streams.send(
        new GetRecordsCommand({ ShardIterator, Limit: 100 }),
      );
      const records = Records as StreamRecord[];
      await this.#work(records);
      this.records.push(...records);
      for (const { dynamodb } of records)
        if (dynamodb?.Keys?.pk?.S === "mark") this.#seen.add(dynamodb.Keys.sk?.S as string);
      ShardIterator = NextShardIterator;
      if (records.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (!this.#stopped) this.#done.add(ShardId);
  }
}
