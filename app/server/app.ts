import express, { type Express } from "express";
import type { Logger } from "pino";
import type { PageFiles } from "../bundle.ts";
import { errors } from "../domain/errors.ts";
import type { Passwords } from "../domain/passwords.ts";
import type { Backend } from "./backend.ts";
import { errorHandler } from "./errors.ts";
import { accountRoutes } from "./routes/accounts.ts";
import { healthRoutes } from "./routes/health.ts";
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
  readonly log: Logger;
}

/** The service as an Express application. */
export function createApp({ backend, passwords, page, trustedProxies, log }: AppOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag"); // the page sets its own, answers of the API are never reused
  app.set("trust proxy", trustedProxies);
  app.set("query parser", "simple");

  app.use(healthRoutes(backend));
  app.use(securityHeaders);
  app.use("/api", api(backend, passwords));
  app.use(pageRoutes(page));
  app.use((request) => {
    throw errors.noSuchPath(request.method, request.path);
  });
  app.use(errorHandler(log));
  return app;
}

function api(backend: Backend, passwords: Passwords): express.Router {
  const sessions = new SessionCookies(backend);
  const router = express.Router();
  router.use((_request, response, next) => {
    response.set("Cache-Control", "no-store");
    next();
  });
  router.use(crossSiteDefence);
  router.use(express.json({ limit: "64kb" }));
  router.use(accountRoutes(backend, sessions, passwords), postRoutes(backend, sessions), userRoutes(backend, sessions));
  router.use((request) => {
    throw errors.noSuchPath(request.method, request.originalUrl.split("?")[0] ?? "");
  });
  return router;
}
