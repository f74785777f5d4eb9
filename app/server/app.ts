import express, { type Express } from "express";
import type { Logger } from "pino";
import type { PageFiles } from "../bundle.ts";
import { errors } from "../domain/errors.ts";
import type { Passwords } from "../domain/passwords.ts";
import type { Backend } from "./backend.ts";
import { errorHandler } from "./errors.ts";
import { type Front, trustFront } from "./front.ts";
import type { Media } from "./media.ts";
import { accountRoutes } from "./routes/accounts.ts";
import { healthRoutes } from "./routes/health.ts";
import { mediaRoutes } from "./routes/media.ts";
import { pageRoutes } from "./routes/page.ts";
import { postRoutes } from "./routes/posts.ts";
import { userRoutes } from "./routes/users.ts";
import { crossSiteDefence, securityHeaders } from "./security.ts";
import { SessionCookies } from "./session.ts";

export interface AppOptions {
  readonly backend: Backend;
  readonly passwords: Passwords;
  readonly page: PageFiles;
  /** Proxies in front whose X-Forwarded-* headers are believed. */
  readonly trustedProxies: number;
  /** Whom to believe further X-Forwarded-* headers, where there is a front. */
  readonly front?: Front | undefined;
  /** Undefined where there are no pictures. */
  readonly media?: Media | undefined;
  readonly log: Logger;
}

/** The service as an Express application. */
export function createApp(options: AppOptions): Express {
  const { backend, page, trustedProxies, front, media, log } = options;
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag"); // the page sets its own, answers of the API are never reused
  app.set("trust proxy", trustedProxies);
  app.set("query parser", "simple");

  app.use(healthRoutes(backend));
  app.use(trustFront(front));
  app.use(securityHeaders(media && { host: media.host, uploadOrigin: () => media.pictures.uploadOrigin() }));
  app.use("/api", api(options));
  app.use(pageRoutes(page));
  app.use((request) => {
    throw errors.noSuchPath(request.method, request.path);
  });
  app.use(errorHandler(log));
  return app;
}

function api({ backend, passwords, media }: AppOptions): express.Router {
  const sessions = new SessionCookies(backend);
  const router = express.Router();
  router.use((_request, response, next) => {
    response.set("Cache-Control", "no-store");
    next();
  });
  router.use(crossSiteDefence);
  router.use(express.json({ limit: "64kb" }));
  router.use(accountRoutes(backend, sessions, passwords));
  router.use(postRoutes(backend, sessions, media), mediaRoutes(backend, sessions, media));
  router.use(userRoutes(backend, sessions, media?.host));
  router.use((request) => {
    throw errors.noSuchPath(request.method, request.originalUrl.split("?")[0] ?? "");
  });
  return router;
}
