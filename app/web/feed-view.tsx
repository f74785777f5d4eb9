import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useFeed, useShared } from "./context.ts";
import type { FeedName } from "./feeds.ts";
import { PostCard } from "./post-card.tsx";

/** Seconds between looks for newer posts, while the page is being looked at. */
const refreshEvery = 20;

interface FeedViewProps {
  readonly name: FeedName;
  /** What the list is, for those who cannot see it. */
  readonly label: string;
  /** Shown when there is no post at all. */
  readonly empty: ComponentChildren;
}

/** A timeline: loads more as its end comes near, and says when there are newer posts. */
export function FeedView({ name, label, empty }: FeedViewProps) {
  const { feeds } = useShared();
  const { feed, isLoading, problem, waiting } = useFeed(name);
  const end = useRef<HTMLDivElement>(null);
  const hasMore = feed.next !== null;
  const isFirst = feed.next === undefined;

  // A failure shows in the timeline itself, with a button that tries again.
  const loadMore = () => void feeds.loadMore(name).catch(() => {});

  useEffect(() => {
    if (feeds.state(name).feed.next === undefined) loadMore();
    else void feeds.refresh(name).catch(() => {}); // the next look comes soon
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") void feeds.refresh(name).catch(() => {});
    }, refreshEvery * 1000);
    return () => clearInterval(timer);
  }, [name]);

  useEffect(() => {
    const element = end.current;
    if (!element || isFirst || !hasMore || problem) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && loadMore(), {
      rootMargin: "600px",
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [name, feed, hasMore, problem]);

  return (
    <section class="feed" aria-label={label} aria-busy={isLoading}>
      <div role="status">
        {waiting.length > 0 && (
          <button type="button" class="newer" data-newer onClick={() => feeds.showWaiting(name)}>
            Show {waiting.length === 1 ? "1 new post" : `${waiting.length} new posts`}
          </button>
        )}
      </div>
      <ol class="posts">
        {feed.posts.map((post) => (
          <li key={post.id}>
            <PostCard post={post} />
          </li>
        ))}
      </ol>
      {isFirst && isLoading && <Skeletons />}
      {problem && (
        <div class="notice" role="alert">
          <p>{problem}</p>
          <button type="button" class="button button-quiet" onClick={loadMore}>
            Try again
          </button>
        </div>
      )}
      {!hasMore && feed.posts.length === 0 && <div class="notice">{empty}</div>}
      {!isFirst && hasMore && !problem && (
        <button type="button" class="button button-quiet more" disabled={isLoading} onClick={loadMore}>
          {isLoading ? "Loading…" : "Load more"}
        </button>
      )}
      {!hasMore && feed.posts.length > 5 && <p class="feed-end">That’s all.</p>}
      <div ref={end} />
    </section>
  );
}

/** Where posts are going to be. */
function Skeletons() {
  return (
    <div class="skeletons" role="status">
      <span class="visually-hidden">Loading posts</span>
      {[1, 2, 3].map((row) => (
        <div class="skeleton" key={row} aria-hidden="true">
          <span class="skeleton-avatar" />
          <span class="skeleton-lines">
            <span />
            <span />
          </span>
        </div>
      ))}
    </div>
  );
}
