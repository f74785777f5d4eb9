import { Router } from "express";
import { errors } from "../../domain/errors.ts";
import { picturesPerPost, pictureTypes } from "../../domain/pictures.ts";
import type { Pictures } from "../../media/pictures.ts";
import type { Backend } from "../backend.ts";
import { now, type SessionCookies } from "../session.ts";
import { countUpload, type UploadLimits } from "../upload-limits.ts";
import { body, schemas } from "../validation.ts";

/** Pictures on their way in. Without a bucket there are none, and the page doesn't offer any. */
export function mediaRoutes(
  backend: Backend,
  sessions: SessionCookies,
  media: { readonly pictures: Pictures; readonly limits: UploadLimits } | undefined,
): Router {
  const router = Router();

  router.get("/media", (_request, response) => {
    const rules = media && {
      types: Object.keys(pictureTypes),
      maxBytes: media.pictures.maxBytes,
      perPost: picturesPerPost,
    };
    response.json({ pictures: rules ?? null });
  });

  router.post("/media", async (request, response) => {
    const userId = await sessions.requireViewer(request);
    if (!media) throw errors.noPictures();
    const wanted = body(schemas.upload, request);
    await countUpload(backend.store, media.limits, { userId, what: "upload", now: now() });
    const { expiresAt, ...upload } = await media.pictures.offer(userId, wanted);
    response.status(201).json({ upload: { ...upload, expiresAt: new Date(expiresAt).toISOString() } });
  });

  return router;
}
