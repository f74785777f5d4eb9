import type { Micros, Page, Post, User } from "../store/store.ts";
import type { MediaAddress } from "./front.ts";

/** A user as the API shows it. */
export function showUser({ createdAt, ...user }: User) {
  return { ...user, createdAt: isoTime(createdAt) };
}

/** A post as the API shows it. @param address where its pictures are; without one they are not shown */
export function showPost({ createdAt, media, ...post }: Post, address: MediaAddress) {
  const pictures = address ? media.map(({ key, type, alt }) => ({ url: address(key), type, alt })) : [];
  return { ...post, media: pictures, createdAt: isoTime(createdAt) };
}

export function showPosts({ items, next }: Page<Post>, address: MediaAddress) {
  return { posts: items.map((post) => showPost(post, address)), next };
}

function isoTime(micros: Micros): string {
  return new Date(micros / 1000).toISOString();
}
