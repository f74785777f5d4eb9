import type { Post, PostPage } from "./types.ts";

/** The posts of a timeline as far as they have been loaded. */
export interface Feed {
  readonly posts: readonly Post[];
  /** `before` of the next page; null at the end; undefined before the first page has come. */
  readonly next: string | null | undefined;
}

export const emptyFeed: Feed = { posts: [], next: undefined };

/** The feed with an older page at its end. Posts that are already there stay where they are. */
export function appendPage(feed: Feed, { posts, next }: PostPage): Feed {
  return { posts: merge(feed.posts, posts), next };
}

/** The feed with newer posts at its start. */
export function prependPosts(feed: Feed, posts: readonly Post[]): Feed {
  return { ...feed, posts: merge(posts, feed.posts) };
}

/** Posts of a fresh first page that the feed does not have and that are newer than all it has. */
export function newerPosts(feed: Feed, { posts }: PostPage): readonly Post[] {
  const newest = feed.posts[0];
  return newest ? posts.filter((post) => isNewer(post.id, newest.id)) : posts;
}

/** The feed with one post changed, or taken out. */
export function updatePost(feed: Feed, id: string, change: (post: Post) => Post | undefined): Feed {
  return { ...feed, posts: feed.posts.flatMap((post) => (post.id === id ? (change(post) ?? []) : post)) };
}

/** The post liked or not by the viewer; liking what is liked changes nothing. */
export function withLike(post: Post, likes: boolean): Post {
  if (post.likedByMe === likes) return post;
  return { ...post, likedByMe: likes, likes: Math.max(0, post.likes + (likes ? 1 : -1)) };
}

function merge(first: readonly Post[], second: readonly Post[]): readonly Post[] {
  const known = new Set(first.map(({ id }) => id));
  return [...first, ...second.filter(({ id }) => !known.has(id))];
}

/** Ids are numbers beyond what JavaScript counts exactly: compared by length, then by digits. */
function isNewer(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length;
}
