/** An answer of the API. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Tests assert on what is there: a type would only repeat them.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly body: any;
}

/** A client of the API that keeps its cookie, as a browser would. */
export class ApiClient {
  readonly #url: string;
  cookie = "";

  constructor(url: string) {
    this.#url = url;
  }

  get(path: string, headers?: Record<string, string>): Promise<Answer> {
    return this.send("GET", path, undefined, headers);
  }

  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
    return this.send("POST", path, body, headers);
  }

  put(path: string): Promise<Answer> {
    return this.send("PUT", path);
  }

  delete(path: string): Promise<Answer> {
    return this.send("DELETE", path);
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        ...(this.cookie ? { Cookie: this.cookie } : {}),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const set = response.headers.getSetCookie().find((cookie) => /^(__Host-)?chirp_session=/.test(cookie));
    if (set) this.cookie = set.includes("Expires=Thu, 01 Jan 1970") ? "" : (set.split(";")[0] ?? "");
    const text = await response.text();
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  }
}
