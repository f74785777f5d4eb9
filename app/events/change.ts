import { splitVersion, type Version } from "../domain/version.ts";
import type { Item } from "../store/dynamodb/items.ts";
import { originAttribute, versionOf } from "../store/dynamodb/mapping.ts";
import type { Id } from "../store/store.ts";

/** A record of the table's stream, as Lambda hands it over and as the streams' API gives it. */
export interface StreamRecord {
  readonly dynamodb?: {
    readonly Keys?: Item;
    readonly NewImage?: Item;
    readonly OldImage?: Item;
    readonly SequenceNumber?: string;
  };
}

/** What happened to an author's followers' home timelines. All of one author's come from one partition, in order. */
export type TimelineChange =
  | { readonly kind: "posted"; readonly author: Id; readonly post: Id; readonly epoch: bigint }
  | { readonly kind: "deleted"; readonly author: Id; readonly post: Id; readonly epoch: bigint }
  | { readonly kind: "edge"; readonly author: Id; readonly follower: Id; readonly version: Version };

/**
 * What a record means for home timelines; undefined when nothing.
 *
 * A change that another store made and that was applied here means nothing: timelines are rebuilt in the epoch in which
 * this store becomes the record, which costs less than fanning out the past post by post.
 */
export function changeOf({ dynamodb }: StreamRecord): TimelineChange | undefined {
  const { NewImage: now, OldImage: was } = dynamodb ?? {};
  if (!now || now[originAttribute]) return undefined;
  const isThere = now.deleted?.BOOL === false;
  if (isThere === (was?.deleted?.BOOL === false)) return undefined;
  const author = now.pk?.S?.replace(/^u#/, "") as Id;
  if (now.type?.S === "follower")
    return { kind: "edge", author, follower: now.follower_id?.S as Id, version: versionOf(now) };
  if (now.type?.S !== "post") return undefined;
  const { epoch } = splitVersion(versionOf(now));
  return { kind: isThere ? "posted" : "deleted", author, post: now.id?.S as Id, epoch };
}
