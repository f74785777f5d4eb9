import type { Page, PageRequest, Post, Timelines, Id } from "../store.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { take } from "./home/merge.ts";
import { homePosts } from "./home/read.ts";
import { authorPosts, endOfIds } from "./home/sources.ts";
import type { RowIn } from "./items.ts";
import { showPosts } from "./posts.ts";
import type { StoreOfRecord } from "./record.ts";

export function dynamoTimelines(table: DynamoTable, record: StoreOfRecord): Timelines {
  /** One row more than asked for has been read: it tells whether there is a next page. */
  async function toPage(rows: RowIn<"posts">[], { limit }: PageRequest, viewer: Id | undefined): Promise<Page<Post>> {
    const shown = rows.slice(0, limit);
    return {
      items: await showPosts(table, shown, viewer),
      next: rows.length > limit ? (shown.at(-1)?.id ?? null) : null,
    };
  }

  return {
    async userPosts(authorId, page, viewer) {
      const count = page.limit + 1;
      const rows = await take(authorPosts(table, authorId, { below: start(page), pageSize: count }), count);
      return toPage(rows, page, viewer);
    },

    async home(userId, page) {
      const rows = await homePosts(table, record, userId, { below: start(page), count: page.limit + 1 });
      return toPage(rows, page, userId);
    },
  };
}

function start({ before }: PageRequest): bigint {
  return before === undefined ? endOfIds : BigInt(before);
}
