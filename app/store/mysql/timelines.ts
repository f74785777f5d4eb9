import type { Id, Page, PageRequest, Post, Timelines } from "../store.ts";
import { viewerId } from "./accounts.ts";
import type { Database, Row, Value } from "./database.ts";
import { postColumns, postJoins, toPost } from "./posts.ts";

/** Greater than any id. */
const end = 2n ** 63n - 1n;

export function mysqlTimelines(database: Database): Timelines {
  /**
   * Of everyone the user follows, those who wrote most recently. A page of n posts has at most n authors, and they are
   * the n whose latest posts are the newest: so however many are followed, only n authors' posts are read.
   */
  async function recentAuthors(userId: Id, before: bigint, limit: number): Promise<bigint[]> {
    const rows = await database.read(
      `SELECT f.followee_id AS author_id,
         (SELECT p.id FROM posts p WHERE p.author_id = f.followee_id AND p.deleted = 0 AND p.id < ?
          ORDER BY p.id DESC LIMIT 1) AS latest
       FROM follows f WHERE f.follower_id = ? AND f.deleted = 0 ORDER BY latest DESC LIMIT ?`,
      [before, BigInt(userId), limit],
    );
    return rows.filter(({ latest }) => latest !== null).map((row) => BigInt(row.author_id as Id));
  }

  return {
    async userPosts(authorId, page, viewer) {
      const rows = await database.read(
        `SELECT ${postColumns} FROM posts p ${postJoins}
         WHERE p.author_id = ? AND p.deleted = 0 AND p.id < ? ORDER BY p.id DESC LIMIT ?`,
        [viewerId(viewer), BigInt(authorId), start(page), page.limit + 1],
      );
      return toPage(rows, page);
    },

    async home(userId, page) {
      const [before, limit] = [start(page), page.limit + 1];
      const authors = [BigInt(userId), ...(await recentAuthors(userId, before, limit))];
      const { sql, values } = mergeByAuthor(authors, before, limit);
      const rows = await database.read(
        `SELECT ${postColumns} FROM (${sql}) page JOIN posts p ON p.id = page.id ${postJoins} ORDER BY p.id DESC`,
        [...values, BigInt(userId)],
      );
      return toPage(rows, page);
    },
  };
}

/** The newest ids of several authors: each author's newest from the index, merged. */
function mergeByAuthor(authors: bigint[], before: bigint, limit: number): { sql: string; values: Value[] } {
  // Filled up with nobody to a multiple of eight, so that there are few different statements to keep prepared.
  const size = Math.ceil(authors.length / 8) * 8;
  const padded = [...authors, ...Array<bigint>(size - authors.length).fill(0n)];
  const branch = "(SELECT id FROM posts WHERE author_id = ? AND deleted = 0 AND id < ? ORDER BY id DESC LIMIT ?)";
  return {
    sql: `SELECT id FROM (${padded.map(() => branch).join(" UNION ALL ")}) candidates ORDER BY id DESC LIMIT ?`,
    values: [...padded.flatMap((author) => [author, before, limit]), limit],
  };
}

function start({ before }: PageRequest): bigint {
  return before === undefined ? end : BigInt(before);
}

/** One row more than asked for has been read: it tells whether there is a next page. */
function toPage(rows: Row[], { limit }: PageRequest): Page<Post> {
  const items = rows.slice(0, limit).map(toPost);
  return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}
