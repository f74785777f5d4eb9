import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiProblem } from "./api.ts";
import { Composer } from "./composer.tsx";
import { useFeed, useShared } from "./context.ts";
import { FeedView } from "./feed-view.tsx";
import { feedNames } from "./feeds.ts";
import { Icon } from "./icons.tsx";
import { Link } from "./link.tsx";
import { PostCard } from "./post-card.tsx";
import { addresses } from "./router.ts";

/** The head of a view; its heading takes the focus when the view is opened. */
export function Heading({
  title,
  children,
  isRoot = false,
}: {
  title: string;
  children?: ComponentChildren;
  isRoot?: boolean;
}) {
  useEffect(() => {
    document.title = `${title} · Chirp`;
  }, [title]);
  return (
    <header class="view-head">
      {!isRoot && (
        <button type="button" class="icon-button" aria-label="Back" onClick={() => history.back()}>
          <Icon name="back" />
        </button>
      )}
      <h1 tabIndex={-1} data-heading>
        {title}
      </h1>
      {children}
    </header>
  );
}

export function HomeView() {
  return (
    <>
      <Heading title="Home" isRoot />
      <Composer />
      <FeedView
        name={feedNames.home}
        label="Posts by you and people you follow"
        empty={
          <>
            <h2>Nothing here yet</h2>
            <p>Write your first post above, or find people to follow: their posts will be here.</p>
            <Link to={addresses.search()} class="button">
              Find people
            </Link>
          </>
        }
      />
    </>
  );
}

export function PostView({ id }: { id: string }) {
  const { feeds } = useShared();
  const name = feedNames.post(id);
  const { feed, problem } = useFeed(name);
  const [isMissing, setMissing] = useState(false);
  const post = feed.posts[0];

  const load = () => {
    setMissing(false);
    feeds.loadMore(name).catch((error) => setMissing(error instanceof ApiProblem && error.status === 404));
  };
  useEffect(load, [name]);

  return (
    <>
      <Heading title="Post" />
      {post && <PostCard post={post} isAlone />}
      {problem && (
        <div class="notice" role="alert">
          <p>{problem}</p>
          {!isMissing && (
            <button type="button" class="button button-quiet" onClick={load}>
              Try again
            </button>
          )}
        </div>
      )}
    </>
  );
}

export function MissingView() {
  return (
    <>
      <Heading title="Not here" />
      <div class="notice">
        <p>There is nothing at this address.</p>
        <Link to={addresses.home} class="button">
          Go home
        </Link>
      </div>
    </>
  );
}
