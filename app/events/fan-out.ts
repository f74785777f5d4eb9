import type { Id } from "../store/store.ts";
import { attributes, batchGetLimit, type DynamoTable } from "../store/dynamodb/dynamo-table.ts";
import { type Header, parseHeader, raiseFloor, readHeader } from "../store/dynamodb/home/header.ts";
import { take } from "../store/dynamodb/home/merge.ts";
import { endPull, pullItem } from "../store/dynamodb/home/pulls.ts";
import { entryItem, timelineLength } from "../store/dynamodb/home/rebuild.ts";
import { authorPosts } from "../store/dynamodb/home/sources.ts";
import { idOf, type Key, keys } from "../store/dynamodb/keys.ts";
import { splitVersion } from "../domain/version.ts";
import type { Item } from "../store/dynamodb/items.ts";
import type { TimelineChange } from "./change.ts";
import { isTrimmedAt, trimTimeline } from "./trim.ts";

/** What a change of one author does to the timelines of those who follow. */
export interface FanOutOptions {
  readonly table: DynamoTable;
  /**
   * Followers from which on an author is pulled at read time instead, for good.
   *
   * @default 5000: some seconds of one function's writes
   */
  readonly threshold?: number;
}

/**
 * Brings home timelines up to date with the stream. Every step may be done again: keys are made of ids, and what a
 * record means is looked up as it is now, so records that come twice or late do no harm.
 */
export class FanOut {
  readonly #table: DynamoTable;
  readonly #threshold: number;

  constructor({ table, threshold = 5000 }: FanOutOptions) {
    this.#table = table;
    this.#threshold = threshold;
  }

  async apply(change: TimelineChange): Promise<void> {
    if (change.kind === "posted") await this.#posted(change);
    else if (change.kind === "deleted") await this.#deleted(change);
    else await this.#edgeChanged(change);
  }

  async #posted({ author, post, epoch }: Extract<TimelineChange, { kind: "posted" }>): Promise<void> {
    if (await this.#isPulled(author, epoch)) return;
    const trimmed: Id[] = [];
    await this.#toFollowers(author, epoch, {
      puts: (follower) => {
        if (isTrimmedAt(follower, post)) trimmed.push(follower);
        return entryItem(follower, { id: post, author_id: author });
      },
    });
    for (const follower of trimmed) await trimTimeline(this.#table, follower);
  }

  /** Readers leave deleted posts out anyway; this keeps them from reading what nobody is shown. */
  async #deleted({ author, post, epoch }: Extract<TimelineChange, { kind: "deleted" }>): Promise<void> {
    if (await this.#table.get(keys.pulled(author))) return;
    await this.#toFollowers(author, epoch, { deletes: (follower) => keys.homeEntry(follower, post) });
  }

  /** Whether the author is pulled at read time; makes it so when there are too many followers to write to. */
  async #isPulled(author: Id, epoch: bigint): Promise<boolean> {
    const found = await this.#table.getAll([keys.pulled(author), keys.userCounts(author)]);
    const flag = found.at(keys.pulled(author));
    const followers = Number(found.at(keys.userCounts(author))?.followers?.N ?? 0);
    if (!flag && followers <= this.#threshold) return false;
    if (flag?.told?.BOOL) return true;
    // Told means: every follower's timeline notes that this author is to be pulled. Cut short, it is done again.
    const told = (yes: boolean): Item => ({
      ...attributes(keys.pulled(author)),
      type: { S: "pulled" },
      told: { BOOL: yes },
    });
    await this.#table.writeAll({ puts: [told(false)] });
    await this.#toFollowers(author, epoch, { puts: (follower) => pullItem(follower, author) });
    await this.#table.writeAll({ puts: [told(true)] });
    return true;
  }

  /** Follows and ends of follows: the timeline is made to fit what the edge is now. */
  async #edgeChanged({ author, follower, version }: Extract<TimelineChange, { kind: "edge" }>): Promise<void> {
    const edge = await this.#table.get(keys.following(follower, author));
    const isFollowed = edge?.deleted?.BOOL === false;
    const header = await readHeader(this.#table, follower);
    if (!isFollowed) {
      await this.#prune(follower, author);
    } else if (header && isFed(header, splitVersion(version).epoch)) {
      if (await this.#table.get(keys.pulled(author)))
        return this.#table.writeAll({ puts: [pullItem(follower, author)] });
      await this.#backfill(follower, author, header.floor);
    }
    // Where there is no timeline, the rebuild at the first read comes upon the edge itself.
    await endPull(this.#table, follower, author, { until: version, forGood: !isFollowed });
  }

  /** Puts the author's posts into a timeline, as far back as it reaches. */
  async #backfill(follower: Id, author: Id, floor: bigint): Promise<void> {
    const source = authorPosts(this.#table, author, { above: floor, pageSize: 100 });
    const posts = await take(source, timelineLength);
    const last = posts.at(-1);
    if (last && posts.length === timelineLength) await raiseFloor(this.#table, follower, BigInt(last.id) - 1n);
    await this.#table.writeAll({ puts: posts.map((post) => entryItem(follower, post)) });
    await trimTimeline(this.#table, follower);
  }

  /** Takes the author's posts out of a timeline. */
  async #prune(follower: Id, author: Id): Promise<void> {
    const { pk } = keys.homeHeader(follower);
    const deletes: Key[] = [];
    for await (const { sk, author_id } of this.#table.query({ pk, from: "post#", to: "post#~" }))
      if (author_id?.S === author) deletes.push({ pk, sk: sk?.S as string });
    await this.#table.writeAll({ deletes });
  }

  /** Writes to the timelines of all followers who have one that is fed in this epoch. */
  async #toFollowers(
    author: Id,
    epoch: bigint,
    { puts, deletes }: { puts?: (follower: Id) => Item; deletes?: (follower: Id) => Key },
  ): Promise<void> {
    for await (const followers of this.#followers(author)) {
      const found = await this.#table.getAll(followers.map(keys.homeHeader));
      const fed = followers.filter((follower) => {
        const header = parseHeader(found.at(keys.homeHeader(follower)));
        return header && isFed(header, epoch);
      });
      await this.#table.writeAll({ puts: puts ? fed.map(puts) : [], deletes: deletes ? fed.map(deletes) : [] });
    }
  }

  /** Who follows the author, in batches. */
  async *#followers(author: Id): AsyncGenerator<Id[], void, void> {
    const { pk } = keys.user(author);
    let batch: Id[] = [];
    for await (const { sk, deleted } of this.#table.query({ pk, from: "follower#", to: "follower#~" })) {
      if (!deleted?.BOOL) batch.push(idOf(sk?.S as string));
      if (batch.length < batchGetLimit) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }
}

/** Whether what is written in this epoch goes into the timeline; else its next reader rebuilds it. */
function isFed(header: Header, epoch: bigint): boolean {
  return header.epoch >= epoch;
}
