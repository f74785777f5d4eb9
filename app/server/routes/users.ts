import { type Request, Router } from "express";
import { errors } from "../../domain/errors.ts";
import { namePattern } from "../../domain/names.ts";
import type { Id, User } from "../../store/store.ts";
import type { Backend } from "../backend.ts";
import { mediaAddress } from "../front.ts";
import { showPosts, showUser } from "../presentation.ts";
import { now, type SessionCookies } from "../session.ts";
import { page, query, schemas, userName } from "../validation.ts";

/** People: profiles, their posts, search, follows. @param mediaHost host name of the front that serves pictures */
export function userRoutes(backend: Backend, sessions: SessionCookies, mediaHost: string | undefined): Router {
  const router = Router();

  async function find(request: Request, viewer?: Id): Promise<User> {
    const name = userName(request);
    const user = await backend.store.userByName(name, viewer);
    if (!user) throw errors.noSuchUser(name);
    return user;
  }

  router.get("/users", async (request, response) => {
    const { query: typed, limit } = query(schemas.search, request);
    const prefix = typed.trim().replace(/^@/, "");
    const viewer = await sessions.viewer(request);
    // What no name can start with, nobody is called.
    const users = namePattern.test(prefix) ? await backend.store.searchUsers(prefix, limit, viewer) : [];
    response.json({ users: users.map(showUser) });
  });

  router.get("/users/:name", async (request, response) => {
    const viewer = await sessions.viewer(request);
    response.json({ user: showUser(await find(request, viewer)) });
  });

  router.get("/users/:name/posts", async (request, response) => {
    const viewer = await sessions.viewer(request);
    const { id } = await find(request);
    const posts = await backend.store.userPosts(id, page(request), viewer);
    response.json(showPosts(posts, mediaAddress(mediaHost, request, response)));
  });

  for (const [method, follows] of [["put", true] as const, ["delete", false] as const]) {
    router[method]("/users/:name/follow", async (request, response) => {
      const viewer = await sessions.requireViewer(request);
      const { id } = await find(request);
      if (id === viewer) throw errors.followSelf();
      await backend.store.setFollow(viewer, id, follows, now());
      response.status(204).end();
    });
  }

  return router;
}
