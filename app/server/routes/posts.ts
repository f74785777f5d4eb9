import { Router } from "express";
import { errors } from "../../domain/errors.ts";
import type { Backend } from "../backend.ts";
import { showPost, showPosts } from "../presentation.ts";
import { now, type SessionCookies } from "../session.ts";
import { body, once, page, postId, schemas } from "../validation.ts";

/** Posts, likes and the home timeline. */
export function postRoutes(backend: Backend, sessions: SessionCookies): Router {
  const router = Router();

  router.post("/posts", async (request, response) => {
    const authorId = await sessions.requireViewer(request);
    const { text } = body(schemas.post, request);
    const newPost = { id: backend.nextId(), authorId, text, createdAt: now() };
    const post = await backend.store.createPost(newPost, once(request, "post", text));
    response.status(201).json({ post: showPost(post) });
  });

  router.get("/posts/:id", async (request, response) => {
    const viewer = await sessions.viewer(request);
    const post = await backend.store.post(postId(request), viewer);
    if (!post) throw errors.noSuchPost();
    response.json({ post: showPost(post) });
  });

  router.delete("/posts/:id", async (request, response) => {
    await backend.store.deletePost(postId(request), await sessions.requireViewer(request));
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
    response.json(showPosts(await backend.store.home(viewer, page(request))));
  });

  return router;
}
