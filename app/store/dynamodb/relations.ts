import { errors } from "../../domain/errors.ts";
import type { Micros, Relations } from "../store.ts";
import type { Change, Changes } from "./changes.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { markPull } from "./home/pulls.ts";
import type { RowIn } from "./items.ts";
import { keys } from "./keys.ts";
import { parseRow } from "./mapping.ts";

type Edge = RowIn<"follows"> | RowIn<"likes">;

/**
 * Adds to the change what makes the relation hold or not; undefined when it already is so.
 *
 * @param absent the row as it would be if nobody had ever set the relation
 */
function toggle<E extends Edge>(change: Change, was: E | undefined, absent: E, holds: boolean, now: Micros) {
  const row = was ?? absent;
  if (row.deleted === !holds) return undefined;
  const version = was ? change.next(was.version) : change.first;
  return { ...row, deleted: !holds, version, created_at: holds ? now : row.created_at };
}

export function dynamoRelations(table: DynamoTable, changes: Changes): Relations {
  return {
    async setFollow(follower, followee, holds, now) {
      await changes.write(async (change) => {
        const item = await table.get(keys.following(follower, followee));
        const was = item && parseRow("follows", item);
        const absent = { follower_id: follower, followee_id: followee, created_at: now, deleted: true, version: 0n };
        const row = toggle(change, was, absent, holds, now);
        if (!row) return;
        if (was) change.replace("follows", was.version, row);
        else change.insert("follows", row);
        change.count(keys.userCounts(follower), "following", holds ? 1 : -1);
        change.count(keys.userCounts(followee), "followers", holds ? 1 : -1);
        markPull(change, row);
        await change.commit();
      });
    },

    async setLike(userId, postId, holds, now) {
      await changes.write(async (change) => {
        const [lookup, item] = await Promise.all([
          holds ? table.get(keys.postLookup(postId)) : undefined,
          table.get(keys.like(userId, postId)),
        ]);
        if (holds && lookup?.deleted?.BOOL !== false) throw errors.noSuchPost();
        const was = item && parseRow("likes", item);
        const absent = { user_id: userId, post_id: postId, created_at: now, deleted: true, version: 0n };
        const row = toggle(change, was, absent, holds, now);
        if (!row) return;
        if (was) change.replace("likes", was.version, row);
        else change.insert("likes", row);
        change.count(keys.postLikes(postId), "likes", holds ? 1 : -1);
        await change.commit();
      });
    },
  };
}
