import { createHash, randomBytes } from "node:crypto";
import type { CookieOptions, Request, Response } from "express";
import { errors } from "../domain/errors.ts";
import type { Id, Micros } from "../store/store.ts";
import type { Backend } from "./backend.ts";

/**
 * One name for each protocol: browsers let nobody without HTTPS overwrite a cookie that was set with it, so with one name
 * whoever had signed in over HTTPS could no longer sign in where a stack has gone back to plain HTTP. What HTTP set holds
 * over HTTPS too, so that nobody is signed out on the way up.
 */
const cookieNames = { https: "__Host-chirp_session", http: "chirp_session" };

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
    for (const { userId, token } of readCookies(request))
      if (await this.#backend.store.sessionHolds(userId, sha256(token), now())) return userId;
    return undefined;
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
    response.cookie(cookieName(request), `${userId}.${token}`, { ...cookieOptions(request), maxAge });
  }

  async end(request: Request, response: Response): Promise<void> {
    await this.#endStored(request);
    const options = cookieOptions(request);
    response.clearCookie(cookieNames.http, options);
    if (request.secure) response.clearCookie(cookieNames.https, options);
  }

  async #endStored(request: Request): Promise<void> {
    for (const { userId, token } of readCookies(request)) await this.#backend.store.endSession(userId, sha256(token));
  }
}

function cookieName(request: Request): string {
  return request.secure ? cookieNames.https : cookieNames.http;
}

function cookieOptions(request: Request): CookieOptions {
  return { httpOnly: true, sameSite: "lax", secure: request.secure, path: "/" };
}

/**
 * Sessions that the request comes with, that of its own protocol first. The id is in the cookie because stores are
 * addressed by user; the token alone decides whether it holds.
 */
function readCookies(request: Request): { userId: Id; token: string }[] {
  const pairs = (request.get("Cookie") ?? "").split(";").map((pair) => pair.trim());
  const names = request.secure ? [cookieNames.https, cookieNames.http] : [cookieNames.http];
  return names.flatMap((name) => {
    const value = pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
    const match = /^(\d{1,18}|[1-8]\d{18})\.([A-Za-z0-9_-]{43})$/.exec(value ?? "");
    return match?.[1] && match[2] ? [{ userId: match[1], token: match[2] }] : [];
  });
}
