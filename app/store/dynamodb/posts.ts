import { errors } from "../../domain/errors.ts";
import { readPictures, writePictures } from "../../domain/pictures.ts";
import type { Id, NewPost, Once, Post, Posts } from "../store.ts";
import { toAuthor } from "./accounts.ts";
import type { Changes } from "./changes.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import type { RowIn } from "./items.ts";
import { keys } from "./keys.ts";
import { parseRow } from "./mapping.ts";
import { findCreation, noteCreation } from "./once.ts";
import { noteRemoval } from "./removals.ts";

export function dynamoPosts(table: DynamoTable, changes: Changes): Posts {
  async function findRow(id: Id): Promise<RowIn<"posts"> | undefined> {
    const author = (await table.get(keys.postLookup(id)))?.author_id?.S;
    const item = author === undefined ? undefined : await table.get(keys.post(author, id));
    return item && parseRow("posts", item);
  }

  /** The post as it was created, also when it has been deleted since: the first result is the answer to every retry. */
  async function created(id: Id, authorId: Id): Promise<Post> {
    const row = await findRow(id);
    const [post] = row ? await showPosts(table, [row], authorId) : [];
    if (!post) throw new Error(`post ${id} of user ${authorId} is not there after it was created`);
    return post;
  }

  async function insert(post: NewPost, once: Once | undefined): Promise<boolean> {
    const { id, authorId, text, media = [], createdAt } = post;
    return changes.write(async (change) => {
      if (once) noteCreation(change, { userId: authorId, kind: "post", resultId: id, at: createdAt }, once);
      change.insert("posts", {
        id,
        author_id: authorId,
        text,
        media: writePictures(media),
        created_at: createdAt,
        deleted: false,
        version: change.first,
      });
      change.insert("post_counters", { post_id: id, likes: 0, version: change.first });
      change.count(keys.userCounts(authorId), "posts", 1);
      return (await change.tryCommit()).length === 0;
    });
  }

  return {
    async post(id, viewer) {
      const row = await findRow(id);
      return row && !row.deleted ? (await showPosts(table, [row], viewer))[0] : undefined;
    },

    async createPost(post, once) {
      if (await insert(post, once)) return created(post.id, post.authorId);
      // Created before: by this key, or by ourselves in an attempt whose answer was lost.
      const id = once ? await findCreation(table, post.authorId, "post", once) : post.id;
      return created(id ?? post.id, post.authorId);
    },

    async postCreatedWith(authorId, once) {
      const id = await findCreation(table, authorId, "post", once);
      return id === undefined ? undefined : created(id, authorId);
    },

    async deletePost(id, by) {
      await changes.write(async (change) => {
        const row = await findRow(id);
        if (!row || (row.deleted && row.author_id !== by)) throw errors.noSuchPost();
        if (row.author_id !== by) throw errors.notYourPost();
        if (row.deleted) return;
        change.replace("posts", row.version, { ...row, deleted: true, version: change.next(row.version) });
        change.count(keys.userCounts(by), "posts", -1);
        const pictures = readPictures(row.media).map(({ key }) => key);
        if (pictures.length > 0) noteRemoval(change, { postId: id, keys: pictures });
        await change.commit();
      });
    },
  };
}

/** Posts as they are shown: with their authors, their likes, and whether the viewer likes them; in the given order. */
export async function showPosts(table: DynamoTable, rows: readonly RowIn<"posts">[], viewer?: Id): Promise<Post[]> {
  const found = await table.getAll(
    rows.flatMap(({ id, author_id }) => [
      keys.user(author_id),
      keys.postLikes(id),
      ...(viewer === undefined ? [] : [keys.like(viewer, id)]),
    ]),
  );
  return rows.flatMap((row) => {
    const author = found.at(keys.user(row.author_id));
    if (!author) return [];
    const likes = found.at(keys.postLikes(row.id));
    const like = viewer === undefined ? undefined : found.at(keys.like(viewer, row.id));
    return {
      id: row.id,
      text: row.text,
      media: readPictures(row.media),
      createdAt: row.created_at,
      author: toAuthor(parseRow("users", author)),
      likes: likes ? parseRow("post_counters", likes).likes : 0,
      likedByMe: like?.deleted?.BOOL === false,
    };
  });
}
