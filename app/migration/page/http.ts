import { isIP } from "node:net";
import express, { type Express, type RequestHandler } from "express";
import type { Logger } from "pino";
import type { PageFiles } from "../../bundle.ts";
import { AppError, errors } from "../../domain/errors.ts";
import { errorHandler } from "../../server/errors.ts";
import { pageRoutes } from "../../server/routes/page.ts";
import { crossSiteDefence, securityHeaders } from "../../server/security.ts";
import { type Command, commands, type DeadLetter, type MigrationStatus } from "../model.ts";

/** A row that differs, as the verification found it. */
export interface Mismatch {
  readonly key: string;
  readonly kind: string;
}

/** What is listed on the page beside the status: of each the first few hundred. */
export interface Details {
  readonly deadLetters: readonly DeadLetter[];
  readonly mismatches: readonly Mismatch[];
}

/** What the page shows, and what can be asked on it. */
export interface Watched {
  /** @throws Error that says what is waited for, while there is nothing to show */
  status(): Promise<MigrationStatus>;
  details(): Promise<Details>;
  ask(command: Command): Promise<void>;
}

export interface PageOptions {
  readonly watched: Watched;
  readonly files: PageFiles;
  readonly log: Logger;
}

/** The worker's page. It is in no load balancer: people come to it through a tunnel, or on the machine itself. */
export function createPage({ watched, files, log }: PageOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.get("/health", (_request, response) => {
    response.json({ status: "ok" });
  });
  app.use(knownHosts, securityHeaders(undefined));
  app.use(["/status", "/details", "/commands"], (_request, response, next) => {
    response.set("Cache-Control", "no-store");
    next();
  });
  app.get("/status", async (_request, response) => {
    response.json(await watched.status().catch((error) => Promise.reject(notYet(error))));
  });
  app.get("/details", async (_request, response) => {
    response.json(await watched.details().catch((error) => Promise.reject(notYet(error))));
  });
  app.post("/commands/:command", crossSiteDefence, async (request, response) => {
    const command = commands.find((known) => known === request.params.command);
    if (!command) throw errors.noSuchPath(request.method, request.path);
    await watched.ask(command);
    response.status(202).json({ asked: command });
  });
  app.use(pageRoutes(files));
  app.use((request) => {
    throw errors.noSuchPath(request.method, request.path);
  });
  app.use(errorHandler(log));
  return app;
}

/**
 * Refuses names that somebody on the Internet could point at this machine: their page would then be of the same site as
 * this one, which has no sign-in.
 */
const knownHosts: RequestHandler = (request, _response, next) => {
  const name = request.hostname?.replace(/^\[|\]$/g, "") ?? "";
  const isOurs = isIP(name) !== 0 || /(^|\.)(localhost|internal)$/i.test(name);
  if (!isOurs)
    throw new AppError(403, "unknown_host", "This page is served by address, or as localhost, through a tunnel.");
  next();
};

function notYet(error: Error): AppError {
  return new AppError(503, "not_yet", error.message, { retryAfter: 1, cause: error });
}
