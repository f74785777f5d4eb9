import { createHash, randomBytes } from "node:crypto";
import type { CookieOptions, Request, Response } from "express";
import { errors } from "../domain/errors.ts";
import type { Id, Micros } from "../store/store.ts";
import type { Backend } from "./backend.ts";

const cookieName = "chirp_session";

/** Days that a session lasts. */
const sessionDays = 30;

/** Now, as stores keep time. */
export function now(): Micros {
  return Date.now() * 1000;
}

export function sha256(...parts: string[]): Buffer {
  const hash = createHash("sha256");
  // The length of each part keeps ("a", "bc") from equalling ("ab", "c").
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest();
}

/**
 * Signed-in state: a cookie with the user's id and a random token, of which the store keeps the hash. Every request
 * asks the store, so signing out holds on every server at once.
 */
export class SessionCookies {
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** The id of who sent the request; undefined when nobody is signed in. */
  async viewer(request: Request): Promise<Id | undefined> {
    const cookie = readCookie(request);
    if (!cookie) return undefined;
    const holds = await this.#backend.store.sessionHolds(cookie.userId, sha256(cookie.token), now());
    return holds ? cookie.userId : undefined;
  }

  /** @throws AppError `not_signed_in` */
  async requireViewer(request: Request): Promise<Id> {
    const viewer = await this.viewer(request);
    if (viewer === undefined) throw errors.signInFirst();
    return viewer;
  }

  /** Starts a session; one that the request already had is ended, as its cookie is overwritten. */
  async begin(request: Request, response: Response, userId: Id): Promise<void> {
    const token = randomBytes(32).toString("base64url");
    const createdAt = now();
    const maxAge = sessionDays * 24 * 60 * 60 * 1000;
    await this.#backend.store.createSession({
      userId,
      tokenHash: sha256(token),
      createdAt,
      expiresAt: createdAt + maxAge * 1000,
    });
    await this.#endStored(request);
    response.cookie(cookieName, `${userId}.${token}`, { ...cookieOptions(request), maxAge });
  }

  async end(request: Request, response: Response): Promise<void> {
    await this.#endStored(request);
    response.clearCookie(cookieName, cookieOptions(request));
  }

  async #endStored(request: Request): Promise<void> {
    const cookie = readCookie(request);
    if (cookie) await this.#backend.store.endSession(cookie.userId, sha256(cookie.token));
  }
}

function cookieOptions(request: Request): CookieOptions {
  return { httpOnly: true, sameSite: "lax", secure: request.secure, path: "/" };
}

/** The id is in the cookie because stores are addressed by user; the token alone decides whether it holds. */
function readCookie(request: Request): { userId: Id; token: string } | undefined {
  for (const pair of (request.get("Cookie") ?? "").split(";")) {
    const match = /^\s*chirp_session=(\d{1,18}|[1-8]\d{18})\.([A-Za-z0-9_-]{43})\s*$/.exec(pair);
    if (match?.[1] && match[2]) return { userId: match[1], token: match[2] };
  }
  return undefined;
}
