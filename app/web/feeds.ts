import type { Api } from "./api.ts";
import { appendPage, emptyFeed, type Feed, newerPosts, prependPosts, updatePost, withLike } from "./feed.ts";
import type { Post, PostPage } from "./types.ts";

/** A timeline as it stands on the screen. */
export interface FeedState {
  readonly feed: Feed;
  readonly isLoading: boolean;
  /** Why the latest loading failed. */
  readonly problem: string | undefined;
  /** Newer posts that wait to be shown. */
  readonly waiting: readonly Post[];
}

const untouched: FeedState = { feed: emptyFeed, isLoading: false, problem: undefined, waiting: [] };

/** Which timeline: `home`, `user/ada`, `post/1`. */
export type FeedName = string;

export const feedNames = {
  home: "home",
  user: (name: string) => `user/${name.toLowerCase()}`,
  post: (id: string) => `post/${id}`,
};

/**
 * Every timeline seen so far. They stay when another is shown, so going back is instant, and a post that is liked or
 * deleted changes in all of them.
 */
export class Feeds {
  readonly #api: Api;
  readonly #states = new Map<FeedName, FeedState>();
  readonly #listeners = new Set<() => void>();

  constructor(api: Api) {
    this.#api = api;
  }

  state(name: FeedName): FeedState {
    return this.#states.get(name) ?? untouched;
  }

  /** Calls the listener after every change until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Forgets everything, as when somebody else signs in. */
  clear(): void {
    this.#states.clear();
    this.#changed();
  }

  /** Forgets one timeline: it is loaded anew when it is shown. */
  forget(name: FeedName): void {
    this.#states.delete(name);
    this.#changed();
  }

  /** Loads the first page, or the next. Does nothing while loading, and at the end. */
  async loadMore(name: FeedName): Promise<void> {
    const { isLoading, feed } = this.state(name);
    if (isLoading || feed.next === null) return;
    this.#set(name, { isLoading: true, problem: undefined });
    try {
      const page = await this.#read(name, feed.next);
      this.#set(name, { isLoading: false, feed: appendPage(this.state(name).feed, page) });
    } catch (error) {
      this.#set(name, { isLoading: false, problem: (error as Error).message });
      throw error;
    }
  }

  /** Looks for newer posts; they wait until {@link showWaiting}, so that nothing jumps under the reader's eyes. */
  async refresh(name: FeedName): Promise<void> {
    if (this.state(name).feed.next === undefined) return;
    const page = await this.#read(name);
    this.#set(name, { waiting: newerPosts(this.state(name).feed, page) });
  }

  showWaiting(name: FeedName): void {
    const { feed, waiting } = this.state(name);
    this.#set(name, { feed: prependPosts(feed, waiting), waiting: [] });
  }

  /** Shows a post of one's own where it belongs. */
  add(post: Post): void {
    for (const name of [feedNames.home, feedNames.user(post.author.name)]) {
      const { feed } = this.state(name);
      if (feed.next !== undefined) this.#set(name, { feed: prependPosts(feed, [post]) });
    }
  }

  /** Likes or unlikes at once, and takes that back when the server refuses. */
  async like(id: string, likes: boolean): Promise<void> {
    this.#update(id, (post) => withLike(post, likes));
    try {
      await this.#api.like(id, likes);
    } catch (error) {
      this.#update(id, (post) => withLike(post, !likes));
      throw error;
    }
  }

  async remove(id: string): Promise<void> {
    await this.#api.deletePost(id);
    this.#update(id, () => undefined);
  }

  async #read(name: FeedName, before?: string | null): Promise<PostPage> {
    const [kind, value = ""] = name.split("/");
    const from = before ?? undefined;
    if (kind === "home") return this.#api.home(from);
    if (kind === "user") return this.#api.postsOf(value, from);
    return { posts: [await this.#api.post(value)], next: null };
  }

  #update(id: string, change: (post: Post) => Post | undefined): void {
    for (const [name, state] of this.#states)
      this.#states.set(name, { ...state, feed: updatePost(state.feed, id, change) });
    this.#changed();
  }

  #set(name: FeedName, change: Partial<FeedState>): void {
    this.#states.set(name, { ...this.state(name), ...change });
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
