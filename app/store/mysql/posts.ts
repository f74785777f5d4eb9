import { errors } from "../../domain/errors.ts";
import { readPictures, writePictures } from "../../domain/pictures.ts";
import type { Id, NewPost, Once, Post, Posts } from "../store.ts";
import { viewerId } from "./accounts.ts";
import type { Database, Row } from "./database.ts";
import { isDuplicate } from "./failures.ts";
import { findCreation, noteCreation } from "./once.ts";
import { noteRemoval } from "./removals.ts";

/** Columns of a post as it is shown, and where they come from; the parameter is the viewer's id, or null. */
export const postColumns =
  "p.id, p.text, p.media, p.created_at, p.author_id, u.name, u.display_name, c.likes, l.user_id IS NOT NULL AS liked";
export const postJoins = `
  JOIN users u ON u.id = p.author_id
  LEFT JOIN post_counters c ON c.post_id = p.id
  LEFT JOIN likes l ON l.user_id = ? AND l.post_id = p.id AND l.deleted = 0`;

export function mysqlPosts(database: Database): Posts {
  async function find(id: Id, viewer: Id | undefined, condition: string): Promise<Post | undefined> {
    const [row] = await database.read(`SELECT ${postColumns} FROM posts p ${postJoins} WHERE p.id = ? ${condition}`, [
      viewerId(viewer),
      BigInt(id),
    ]);
    return row && toPost(row);
  }

  async function insert(post: NewPost, once: Once | undefined): Promise<void> {
    await database.write(async (transaction) => {
      const [id, author] = [BigInt(post.id), BigInt(post.authorId)];
      const created = { userId: post.authorId, kind: "post", resultId: post.id, at: post.createdAt } as const;
      if (once) await noteCreation(transaction, created, once);
      await transaction.change(
        ["posts", id],
        "INSERT INTO posts (id, author_id, text, media, created_at, version) VALUES (?, ?, ?, ?, ?, ?)",
        [id, author, post.text, writePictures(post.media ?? []), post.createdAt, transaction.first],
      );
      await transaction.change(["post_counters", id], "INSERT INTO post_counters (post_id, version) VALUES (?, ?)", [
        id,
        transaction.first,
      ]);
      await transaction.count("user_counters", "posts", 1, author);
    });
  }

  return {
    post: (id, viewer) => find(id, viewer, "AND p.deleted = 0"),

    async createPost(post, once) {
      let id: Id | undefined = post.id;
      try {
        await insert(post, once);
      } catch (error) {
        if (!isDuplicate(error)) throw error;
        // Created before: by this key, or by ourselves in a commit whose answer was lost.
        if (once) id = await findCreation(database, post.authorId, "post", once);
      }
      // Also when it has been deleted since: the first result is the answer to every retry.
      const created = id === undefined ? undefined : await find(id, post.authorId, "");
      if (!created) throw new Error(`post ${post.id} of user ${post.authorId} is not there after it was created`);
      return created;
    },

    async postCreatedWith(authorId, once) {
      const id = await findCreation(database, authorId, "post", once);
      return id === undefined ? undefined : find(id, authorId, "");
    },

    async deletePost(id, by) {
      await database.write(async (transaction) => {
        const [row] = await transaction.read("SELECT author_id, media, deleted FROM posts WHERE id = ? FOR UPDATE", [
          BigInt(id),
        ]);
        const isMine = row?.author_id === by;
        const isDeleted = row?.deleted === 1;
        if (!row || (isDeleted && !isMine)) throw errors.noSuchPost();
        if (!isMine) throw errors.notYourPost();
        if (isDeleted) return;
        await transaction.change(
          ["posts", BigInt(id)],
          "UPDATE posts SET deleted = 1, version = GREATEST(version + 1, ?) WHERE id = ?",
          [transaction.first, BigInt(id)],
        );
        await transaction.count("user_counters", "posts", -1, BigInt(by));
        const keys = readPictures(row.media as string | null).map(({ key }) => key);
        if (keys.length > 0) await noteRemoval(transaction, { postId: id, keys });
      });
    },
  };
}

export function toPost(row: Row): Post {
  return {
    id: row.id as Id,
    text: row.text as string,
    media: readPictures(row.media as string | null),
    createdAt: Number(row.created_at),
    author: { id: row.author_id as Id, name: row.name as string, displayName: row.display_name as string },
    likes: Number(row.likes ?? 0),
    likedByMe: Number(row.liked) === 1,
  };
}
