import type { PictureRules, Post, PostPage, Upload, User } from "./types.ts";

/** Why a request did not work, in words for the person who made it. */
export class ApiProblem extends Error {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** Problems by input field. */
  readonly fields: Record<string, string>;

  constructor(status: number, message: string, fields: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

interface Call {
  readonly body?: object;
  /** Makes a creation safe to repeat. */
  readonly key?: string;
}

/** Pauses before a request is repeated, in milliseconds. A server that is being replaced needs no more. */
const pauses = [300, 1200];

/** A client of Chirp's API. What is safe to repeat is repeated when the server cannot be reached for a moment. */
export class Api {
  readonly #fetch: typeof fetch;
  readonly #pauses: readonly number[];

  constructor(fetcher: typeof fetch = (...input) => fetch(...input), repeatAfter: readonly number[] = pauses) {
    this.#fetch = fetcher;
    this.#pauses = repeatAfter;
  }

  me = async () => (await this.#call<{ user: User }>("GET", "/me")).user;
  logIn = async (name: string, password: string) =>
    (await this.#call<{ user: User }>("POST", "/login", { body: { name, password } })).user;
  signUp = async (input: { name: string; password: string; displayName?: string }, key: string) =>
    (await this.#call<{ user: User }>("POST", "/signup", { body: input, key })).user;
  logOut = () => this.#call<void>("POST", "/logout");

  home = (before?: string) => this.#call<PostPage>("GET", `/home${query({ before })}`);
  postsOf = (name: string, before?: string) => this.#call<PostPage>("GET", `/users/${name}/posts${query({ before })}`);
  post = async (id: string) => (await this.#call<{ post: Post }>("GET", `/posts/${id}`)).post;
  createPost = async (text: string, key: string, media: readonly { id: string; alt: string }[] = []) =>
    (await this.#call<{ post: Post }>("POST", "/posts", { body: { text, media }, key })).post;
  /** Null where there are no pictures. */
  pictureRules = async () => (await this.#call<{ pictures: PictureRules | null }>("GET", "/media")).pictures;
  askUpload = async (type: string, size: number) =>
    // Asked twice it gives two uploads, of which one is never used: the key only makes it worth repeating.
    (await this.#call<{ upload: Upload }>("POST", "/media", { body: { type, size }, key: newKey() })).upload;
  deletePost = (id: string) => this.#call<void>("DELETE", `/posts/${id}`);
  like = (id: string, likes: boolean) => this.#call<void>(likes ? "PUT" : "DELETE", `/posts/${id}/like`);

  user = async (name: string) => (await this.#call<{ user: User }>("GET", `/users/${name}`)).user;
  search = async (text: string) =>
    (await this.#call<{ users: User[] }>("GET", `/users${query({ query: text })}`)).users;
  follow = (name: string, follows: boolean) => this.#call<void>(follows ? "PUT" : "DELETE", `/users/${name}/follow`);

  async #call<T>(method: string, path: string, call: Call = {}): Promise<T> {
    // Only a POST without a key could happen twice.
    const isRepeatable = method !== "POST" || call.key !== undefined;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#once<T>(method, path, call);
      } catch (error) {
        const isPassing = error instanceof ApiProblem && (error.status === 0 || error.status >= 502);
        const pause = this.#pauses[attempt];
        if (!isPassing || !isRepeatable || pause === undefined) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  async #once<T>(method: string, path: string, { body, key }: Call): Promise<T> {
    const headers: Record<string, string> = {};
    if (body) headers["Content-Type"] = "application/json";
    if (key) headers["Idempotency-Key"] = key;
    let response: Response;
    try {
      response = await this.#fetch(`/api${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
    } catch {
      throw new ApiProblem(0, "Chirp cannot be reached. Check your connection and try again.");
    }
    if (response.status === 204) return undefined as T;
    const answer = await response.json().catch(() => undefined);
    if (response.ok && answer) return answer as T;
    const { message, fields } = answer?.error ?? {};
    throw new ApiProblem(response.status, message ?? "Something went wrong. Try again in a moment.", fields);
  }
}

/** A key for one creation, kept for its retries. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function query(parameters: Record<string, string | undefined>): string {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}
