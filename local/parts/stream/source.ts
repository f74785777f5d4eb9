import { AwsError } from "../../aws/errors.ts";
import type { Properties } from "../../aws/record.ts";
import type { DynamoApi } from "../dynamo/api.ts";

/** A record of a stream as the API and Lambda have it. */
export interface StreamRecord extends Properties {
  readonly dynamodb: {
    readonly ApproximateCreationDateTime: number;
    readonly Keys: Properties;
    readonly SequenceNumber: string;
    readonly SizeBytes: number;
  };
}

export interface Shard {
  readonly ShardId: string;
  readonly ParentShardId?: string;
}

export interface Page {
  readonly records: readonly StreamRecord[];
  /** Where to go on; undefined when the shard is closed and at its end. */
  readonly next: string | undefined;
}

/** One stream of the emulator. */
export class StreamSource {
  readonly #api: DynamoApi;
  readonly #arn: string;

  constructor(api: DynamoApi, arn: string) {
    this.#api = api;
    this.#arn = arn;
  }

  /** All shards that the stream still has. */
  async shards(): Promise<Shard[]> {
    const shards: Shard[] = [];
    let last: string | undefined;
    do {
      const { StreamDescription } = await this.#api.call<{
        StreamDescription: { Shards?: Shard[]; LastEvaluatedShardId?: string };
      }>("DynamoDBStreams", "DescribeStream", { StreamArn: this.#arn, ExclusiveStartShardId: last });
      shards.push(...(StreamDescription.Shards ?? []));
      last = StreamDescription.LastEvaluatedShardId;
    } while (last);
    return shards;
  }

  /** Where to begin to read a shard: behind a record, or with the oldest that is left. */
  async iterator(shard: string, after?: string): Promise<string> {
    const begin = async (from: object) => {
      const request = { StreamArn: this.#arn, ShardId: shard, ...from };
      const answer = await this.#api.call<{ ShardIterator: string }>("DynamoDBStreams", "GetShardIterator", request);
      return answer.ShardIterator;
    };
    if (after === undefined) return begin({ ShardIteratorType: "TRIM_HORIZON" });
    try {
      return await begin({ ShardIteratorType: "AFTER_SEQUENCE_NUMBER", SequenceNumber: after });
    } catch (error) {
      // It has been forgotten meanwhile: what is left is newer.
      if (error instanceof AwsError && error.code === "TrimmedDataAccessException")
        return begin({ ShardIteratorType: "TRIM_HORIZON" });
      throw error;
    }
  }

  async read(iterator: string): Promise<Page> {
    const answer = await this.#api.call<{ Records?: StreamRecord[]; NextShardIterator?: string }>(
      "DynamoDBStreams",
      "GetRecords",
      { ShardIterator: iterator, Limit: 1000 },
    );
    return { records: answer.Records ?? [], next: answer.NextShardIterator };
  }
}
