import type { Micros, Page, Post, User } from "../store/store.ts";

/** A user as the API shows it. */
export function showUser({ createdAt, ...user }: User) {
  return { ...user, createdAt: isoTime(createdAt) };
}

/** A post as the API shows it. */
export function showPost({ createdAt, ...post }: Post) {
  return { ...post, createdAt: isoTime(createdAt) };
}

export function showPosts({ items, next }: Page<Post>) {
  return { posts: items.map(showPost), next };
}

function isoTime(micros: Micros): string {
  return new Date(micros / 1000).toISOString();
}
