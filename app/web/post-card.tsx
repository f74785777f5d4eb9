import { useState } from "preact/hooks";
import { Avatar } from "./avatar.tsx";
import { useShared } from "./context.ts";
import { Dialog } from "./dialog.tsx";
import { Icon } from "./icons.tsx";
import { Link } from "./link.tsx";
import { Gallery } from "./media/gallery.tsx";
import { readText, shortAddress } from "./rich-text.ts";
import { addresses } from "./router.ts";
import { fullTime, shortAge, shortCount } from "./time.ts";
import type { Post } from "./types.ts";

/** One post with what can be done about it. */
export function PostCard({ post, isAlone = false }: { post: Post; isAlone?: boolean }) {
  const { feeds, me, setMe, go, say, complain } = useShared();
  const [isDeleting, setDeleting] = useState(false);
  const { author, createdAt, likedByMe, likes } = post;
  const isMine = me?.id === author.id;

  const like = async () => {
    if (!me) return go(addresses.home);
    try {
      await feeds.like(post.id, !likedByMe);
    } catch (error) {
      complain(error);
    }
  };

  const remove = async () => {
    setDeleting(false);
    try {
      await feeds.remove(post.id);
      if (me) setMe({ ...me, posts: Math.max(0, me.posts - 1) });
      say("Post deleted.");
      if (isAlone) go(addresses.home);
    } catch (error) {
      complain(error);
    }
  };

  const share = async () => {
    try {
      await navigator.clipboard.writeText(new URL(addresses.post(post.id), location.href).href);
      say("Link copied.");
    } catch {
      complain(new Error("The link could not be copied. Open the post and copy its address."));
    }
  };

  return (
    <article
      class={`post${isAlone ? " post-alone" : ""}`}
      tabIndex={-1}
      data-post={post.id}
      aria-label={`Post by ${author.displayName}`}
    >
      <Link to={addresses.user(author.name)} class="post-avatar" label={`${author.displayName}’s profile`}>
        <Avatar person={author} />
      </Link>
      <div class="post-body">
        <header class="post-head">
          <Link to={addresses.user(author.name)} class="post-author">
            <strong>{author.displayName}</strong> <span class="handle">@{author.name}</span>
          </Link>
          <Link to={addresses.post(post.id)} class="post-time">
            <time dateTime={createdAt} title={fullTime(createdAt)}>
              {isAlone ? fullTime(createdAt) : shortAge(createdAt, Date.now())}
            </time>
          </Link>
        </header>
        {post.text && <PostText text={post.text} />}
        <Gallery pictures={post.media ?? []} />
        <footer class="post-foot">
          <button
            type="button"
            class="action action-like"
            aria-pressed={likedByMe}
            aria-label={`Like, ${likes} ${likes === 1 ? "like" : "likes"}`}
            title={likedByMe ? "Take the like back" : "Like"}
            data-like
            onClick={() => void like()}
          >
            <Icon name="heart" />
            <span aria-hidden="true">{likes > 0 ? shortCount(likes) : ""}</span>
          </button>
          <button
            type="button"
            class="action"
            aria-label="Copy link to this post"
            title="Copy link"
            onClick={() => void share()}
          >
            <Icon name="link" />
          </button>
          {isMine && (
            <button
              type="button"
              class="action action-delete"
              aria-label="Delete this post"
              title="Delete"
              onClick={() => setDeleting(true)}
            >
              <Icon name="bin" />
            </button>
          )}
        </footer>
      </div>
      {isDeleting && (
        <Dialog title="Delete this post?" onClose={() => setDeleting(false)}>
          <p>It disappears for everybody, and cannot be brought back.</p>
          <div class="dialog-foot">
            <button type="button" class="button button-quiet" onClick={() => setDeleting(false)}>
              Keep it
            </button>
            <button type="button" class="button button-danger" onClick={() => void remove()}>
              Delete
            </button>
          </div>
        </Dialog>
      )}
    </article>
  );
}

function PostText({ text }: { text: string }) {
  return (
    <p class="post-text" dir="auto">
      {readText(text).map((piece) => {
        if (piece.kind === "person") return <Link to={addresses.user(piece.name)}>@{piece.name}</Link>;
        if (piece.kind === "text") return piece.text;
        return (
          <a href={piece.address} rel="noopener noreferrer nofollow ugc" target="_blank">
            {shortAddress(piece.address)}
          </a>
        );
      })}
    </p>
  );
}
