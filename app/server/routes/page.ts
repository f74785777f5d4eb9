import { createHash } from "node:crypto";
import { Router } from "express";
import type { PageFiles } from "../../bundle.ts";

/**
 * The page. Files keep their names from release to release, so browsers ask each time and mostly hear "not modified".
 * Every path without an extension is the page too: it finds out itself what to show.
 */
export function pageRoutes(files: PageFiles): Router {
  const router = Router();
  const prepared = new Map(
    Object.entries(files).map(([path, { type, body }]) => {
      const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 27)}"`;
      return [path, { type, body, etag }] as const;
    }),
  );

  router.get("/{*path}", (request, response, next) => {
    const isPage = !request.path.startsWith("/api/") && !/\.[^/]*$/.test(request.path);
    const file = prepared.get(request.path) ?? (isPage ? prepared.get("/index.html") : undefined);
    if (!file) return next();
    response.set({ "Content-Type": file.type, ETag: file.etag, "Cache-Control": "no-cache" });
    response.send(file.body);
  });

  return router;
}
