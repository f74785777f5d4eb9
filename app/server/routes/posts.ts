import { type Request, type Response, Router } from "express";
import { AppError, errors } from "../../domain/errors.ts";
import type { Picture } from "../../domain/pictures.ts";
import type { WantedPicture } from "../../media/pictures.ts";
import type { Id, NewPost, Once, Post } from "../../store/store.ts";
import type { Backend } from "../backend.ts";
import { mediaAddress } from "../front.ts";
import type { Media } from "../media.ts";
import { showPost, showPosts } from "../presentation.ts";
import { now, type SessionCookies } from "../session.ts";
import { countUpload } from "../upload-limits.ts";
import { body, once, page, postId, schemas } from "../validation.ts";

/** Posts, likes and the home timeline. */
export function postRoutes(backend: Backend, sessions: SessionCookies, media: Media | undefined): Router {
  const router = Router();
  const address = (request: Request, response: Response) => mediaAddress(media?.host, request, response);

  router.post("/posts", async (request, response) => {
    const authorId = await sessions.requireViewer(request);
    const { text, media: wanted } = body(schemas.post, request);
    const key = once(request, "post", text, ...wanted.flatMap(({ id, alt }) => [id, alt]));
    const post = (await earlier(authorId, wanted, key)) ?? (await create(authorId, text, wanted, key));
    response.status(201).json({ post: showPost(post, address(request, response)) });
  });

  /**
   * What a request that is sent again made the first time. Asked only for posts with pictures, whose uploads may be gone
   * by now: they left with the post that was deleted, or are a day old.
   */
  async function earlier(authorId: Id, wanted: WantedPicture[], key: Once | undefined): Promise<Post | undefined> {
    return key && wanted.length > 0 ? backend.store.postCreatedWith(authorId, key) : undefined;
  }

  async function create(authorId: Id, text: string, wanted: WantedPicture[], key: Once | undefined): Promise<Post> {
    const pictures = await take(authorId, wanted);
    return keep({ id: backend.nextId(), authorId, text, media: pictures, createdAt: now() }, key);
  }

  async function take(authorId: Id, wanted: WantedPicture[]): Promise<Picture[]> {
    if (wanted.length === 0) return [];
    if (!media) throw errors.noPictures();
    await countUpload(backend.store, media.limits, { userId: authorId, what: "post", now: now() });
    return media.pictures.take(authorId, wanted);
  }

  /** Creates the post; its pictures are dropped only when it is certain that no post has them. */
  async function keep(newPost: NewPost & { media: Picture[] }, key: Once | undefined): Promise<Post> {
    const drop = async () => void (newPost.media.length > 0 && (await media?.pictures.discard(newPost.media)));
    try {
      const post = await backend.store.createPost(newPost, key);
      // A retry while the first request was under way: the first one's post has pictures of its own.
      if (post.id !== newPost.id) await drop();
      return post;
    } catch (error) {
      // A server's own failure may have happened after the post was kept.
      if (error instanceof AppError && error.status < 500) await drop();
      throw error;
    }
  }

  router.get("/posts/:id", async (request, response) => {
    const viewer = await sessions.viewer(request);
    const post = await backend.store.post(postId(request), viewer);
    if (!post) throw errors.noSuchPost();
    response.json({ post: showPost(post, address(request, response)) });
  });

  router.delete("/posts/:id", async (request, response) => {
    await backend.store.deletePost(postId(request), await sessions.requireViewer(request));
    media?.remover.wake();
    response.status(204).end();
  });

  for (const [method, likes] of [["put", true] as const, ["delete", false] as const]) {
    router[method]("/posts/:id/like", async (request, response) => {
      const viewer = await sessions.requireViewer(request);
      await backend.store.setLike(viewer, postId(request), likes, now());
      response.status(204).end();
    });
  }

  router.get("/home", async (request, response) => {
    const viewer = await sessions.requireViewer(request);
    const posts = await backend.store.home(viewer, page(request));
    response.json(showPosts(posts, address(request, response)));
  });

  return router;
}
