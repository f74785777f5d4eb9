import { type Request, Router } from "express";
import { errors } from "../../domain/errors.ts";
import { nameKey } from "../../domain/names.ts";
import type { Passwords } from "../../domain/passwords.ts";
import type { User } from "../../store/store.ts";
import type { Backend } from "../backend.ts";
import { showUser } from "../presentation.ts";
import { now, type SessionCookies, sha256 } from "../session.ts";
import { body, once, schemas } from "../validation.ts";

/** Failed attempts to sign in allowed within a window: for one name, and from one address (a school shares one). */
const attemptsPerName = 10;
const attemptsPerAddress = 100;
const attemptWindow = 15 * 60 * 1e6;

/** Signing up, in and out. */
export function accountRoutes(backend: Backend, sessions: SessionCookies, passwords: Passwords): Router {
  const router = Router();

  router.post("/signup", async (request, response) => {
    const { name, password, displayName } = body(schemas.signUp, request);
    const user = await signUp(request, { name, password, displayName: displayName || name });
    await sessions.begin(request, response, user.id);
    response.status(201).json({ user: showUser(user) });
  });

  async function signUp(
    request: Request,
    { name, password, displayName }: { name: string; password: string; displayName: string },
  ): Promise<User> {
    const key = once(request, "signup", nameKey(name), displayName);
    const taken = await backend.store.credentials(name);
    if (taken) {
      // Taken by this very request, when its first answer was lost: the key and the password prove it.
      const earlier = key && (await backend.store.createdWith(taken.id, key));
      if (earlier && (await passwords.verify(password, taken.passwordHash))) return earlier;
      throw errors.nameTaken(name);
    }
    const passwordHash = await passwords.hash(password);
    const id = backend.nextId();
    return backend.store.createUser({ id, name, displayName, passwordHash, createdAt: now() }, key);
  }

  router.post("/login", async (request, response) => {
    const { name, password } = body(schemas.logIn, request);
    const limits = [
      { subject: sha256("name", nameKey(name)), limit: attemptsPerName },
      { subject: sha256("address", request.ip ?? ""), limit: attemptsPerAddress },
    ];
    const wait = await backend.store.countAttempt(limits, attemptWindow, now());
    if (wait !== undefined) throw errors.tooManyAttempts(wait);
    const credentials = await backend.store.credentials(name);
    const isRight = await passwords.verify(password, credentials?.passwordHash);
    const user = isRight && credentials ? await backend.store.user(credentials.id) : undefined;
    if (!user) throw errors.wrongPassword();
    await backend.store.forgiveAttempt(limits.map(({ subject }) => subject));
    await sessions.begin(request, response, user.id);
    response.json({ user: showUser(user) });
  });

  router.post("/logout", async (request, response) => {
    await sessions.end(request, response);
    response.status(204).end();
  });

  router.get("/me", async (request, response) => {
    const user = await backend.store.user(await sessions.requireViewer(request));
    if (!user) throw errors.signInFirst();
    response.json({ user: showUser(user) });
  });

  return router;
}
