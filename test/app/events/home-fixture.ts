import { inPartitions } from "../../../app/events/batch.ts";
import { changeOf, type StreamRecord } from "../../../app/events/change.ts";
import { FanOut } from "../../../app/events/fan-out.ts";
import { Snowflakes } from "../../../app/domain/snowflake.ts";
import { keys } from "../../../app/store/dynamodb/keys.ts";
import { contentOf, itemsOf } from "../../../app/store/dynamodb/mapping.ts";
import type { StoreOfRecord } from "../../../app/store/dynamodb/record.ts";
import { dynamoStore } from "../../../app/store/dynamodb/store.ts";
import { firstVersion } from "../../../app/domain/version.ts";
import type { Store } from "../../../app/store/store.ts";
import { StreamPump } from "../../support/stream-pump.ts";
import { type TestTable, testTable } from "../../support/test-dynamo.ts";

export const someDay = Date.UTC(2024, 1, 29) * 1000;

/** A DynamoDB store whose stream is fanned out. */
export class HomeFixture {
  readonly made: TestTable;
  readonly store: Store;
  readonly fanOut: FanOut;
  readonly pump: StreamPump;
  /** The epoch of the record; may be raised. */
  epoch = 1n;
  readonly #ids = new Snowflakes(() => Date.now());
  #names = 0;

  constructor(made: TestTable, threshold: number) {
    this.made = made;
    const record: StoreOfRecord = {
      epoch: () => this.epoch,
      permit: () => ({ epoch: this.epoch, deadline: Number.POSITIVE_INFINITY, confirm: () => {} }),
    };
    this.store = dynamoStore(made.table, record);
    this.fanOut = new FanOut({ table: made.table, threshold });
    this.pump = new StreamPump(made, (records) => this.work(records));
    this.#ids.use({ worker: 0, from: 0, until: Number.MAX_SAFE_INTEGER });
  }

  static async start({ threshold = 1000 } = {}): Promise<HomeFixture> {
    return new HomeFixture(await testTable(), threshold);
  }

  nextId(): string {
    return this.#ids.next();
  }

  async user(): Promise<string> {
    const [id, name] = [this.nextId(), `user_${++this.#names}`];
    await this.store.createUser({ id, name, displayName: name, passwordHash: "", createdAt: someDay });
    return id;
  }

  users(count: number): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, () => this.user()));
  }

  async post(authorId: string): Promise<string> {
    const id = this.nextId();
    await this.store.createPost({ id, authorId, text: "chirp", createdAt: someDay });
    return id;
  }

  follow(follower: string, followee: string, holds = true): Promise<void> {
    return this.store.setFollow(follower, followee, holds, someDay);
  }

  /** Posts that another store wrote: without a word to the stream's function. */
  async applied(authorId: string, count: number): Promise<string[]> {
    const ids = Array.from({ length: count }, () => this.nextId());
    const puts = ids.flatMap((id) => {
      const row = { id, author_id: authorId, text: "", media: null, created_at: 1, deleted: false };
      return itemsOf("posts", { ...row, version: firstVersion(1n) });
    });
    await this.made.table.writeAll({ puts: puts.map((item) => ({ ...item, origin: { S: "backfill" } })) });
    return ids;
  }

  async home(user: string, limit = 100): Promise<string[]> {
    return (await this.store.home(user, { limit })).items.map(({ id }) => id);
  }

  /** All pages of a home timeline. */
  async wholeHome(user: string, limit = 100): Promise<string[]> {
    const all: string[] = [];
    for (let before: string | undefined; ;) {
      const { items, next } = await this.store.home(user, { limit, before });
      all.push(...items.map(({ id }) => id));
      if (next === null) return all;
      before = next;
    }
  }

  /** What a home timeline's partition holds: sort keys by what they begin with. */
  async stored(user: string): Promise<{ entries: string[]; pulls: string[]; floor: bigint; contents: string[] }> {
    const { pk } = keys.homeHeader(user);
    const stored = { entries: [] as string[], pulls: [] as string[], floor: -1n, contents: [] as string[] };
    for await (const item of this.made.table.query({ pk, backwards: true })) {
      const sk = item.sk?.S as string;
      stored.contents.push(contentOf(item));
      if (sk.startsWith("post#")) stored.entries.push(String(BigInt(sk.slice(5))));
      else if (sk.startsWith("pull#")) stored.pulls.push(String(BigInt(sk.slice(5))));
      else stored.floor = BigInt(item.floor?.N ?? -1);
    }
    return stored;
  }

  async work(records: readonly StreamRecord[]): Promise<void> {
    const { batchItemFailures } = await inPartitions(
      records,
      async (record) => {
        const change = changeOf(record);
        if (change) await this.fanOut.apply(change);
      },
      (_record, error) => {
        throw error;
      },
    );
    if (batchItemFailures.length > 0) throw new Error("records failed");
  }
}
