import type { NextFunction, Request, RequestHandler, Response } from "express";
import { errors } from "../domain/errors.ts";

/** Where pictures come from and go to, beside the page's own origin. */
export interface MediaPlaces {
  /** Host name that serves pictures to those who came to the load balancer. */
  readonly host: string;
  /** Origin that uploads go to. */
  uploadOrigin(): Promise<string>;
}

/**
 * The page loads its own script, style and icon and talks to its own API; with pictures it also shows and uploads those,
 * previews (`blob:`) among them. Nothing else, from nowhere.
 */
function contentSecurityPolicy(pictures = "", uploads = ""): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' data:${pictures}`,
    `connect-src 'self'${uploads}`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

const headers: Record<string, string> = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
  "Referrer-Policy": "same-origin",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};

export function securityHeaders(media: MediaPlaces | undefined): RequestHandler {
  return async (request, response, next) => {
    response.set(headers);
    response.set("Content-Security-Policy", await policyWith(media));
    // Only over HTTPS: a browser that remembers it can no longer use this host without. Through the front it is the front
    // that says so, as it knows whether its name keeps HTTPS when it goes.
    if (request.secure && response.locals.isThroughFront !== true)
      response.set("Strict-Transport-Security", "max-age=31536000");
    next();
  };
}

async function policyWith(media: MediaPlaces | undefined): Promise<string> {
  if (!media) return contentSecurityPolicy();
  // Where the origin isn't known, as there are no credentials to sign with, nothing can be uploaded either.
  const uploads = await media.uploadOrigin().catch(() => undefined);
  return contentSecurityPolicy(` blob: ${media.host}`, uploads && ` ${uploads}`);
}

const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Refuses changes that another site makes its visitor's browser ask for. Browsers say where a request comes from
 * (Sec-Fetch-Site, Origin) and pages cannot forge it; clients that are not browsers say nothing and carry no cookie
 * against their will. A JSON content type closes what is left: a form cannot send it.
 */
export function crossSiteDefence(request: Request, _response: Response, next: NextFunction): void {
  if (safeMethods.has(request.method)) return next();
  const site = request.get("Sec-Fetch-Site");
  const origin = request.get("Origin");
  if (site !== undefined && site !== "same-origin" && site !== "none") throw errors.crossSite();
  if (origin !== undefined && hostOf(origin) !== request.get("Host")?.toLowerCase()) throw errors.crossSite();
  if (hasBody(request) && !request.is("application/json")) throw errors.notJson();
  next();
}

/** Host and port of an origin; of "null", which browsers send for sandboxed pages, none. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function hasBody(request: Request): boolean {
  return request.get("Transfer-Encoding") !== undefined || Number(request.get("Content-Length") ?? 0) > 0;
}
