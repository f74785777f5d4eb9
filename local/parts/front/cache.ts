import type { IncomingHttpHeaders } from "node:http";
import CachePolicy from "http-cache-semantics";

/** An answer of an origin, whole. */
export interface Answer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** How long a cache policy lets answers be kept, in seconds. */
export interface Lifetimes {
  readonly least: number;
  readonly usual: number;
  readonly most: number;
}

interface Kept extends Answer {
  readonly storedAt: number;
  readonly until: number;
}

/** Bytes of all answers kept; the ones that were not asked for longest go first. */
const capacity = 64 * 1024 * 1024;

/** Answers kept by path, for as long as Cache-Control and the policy together say. */
export class Cache {
  readonly #kept = new Map<string, Kept>();
  #size = 0;

  /** The answer kept under this key with its `age`; undefined when there is none, or none that still holds. */
  find(key: string): Answer | undefined {
    const kept = this.#kept.get(key);
    if (!kept) return undefined;
    const now = Date.now();
    this.#drop(key);
    if (now >= kept.until) return undefined;
    this.#add(key, kept);
    const age = Math.floor((now - kept.storedAt) / 1000) + Number(kept.headers.age ?? 0);
    return { ...kept, headers: { ...kept.headers, age: String(age) } };
  }

  /** Keeps an answer to a GET, if it may be kept. */
  keep(key: string, answer: Answer, lifetimes: Lifetimes): void {
    const seconds = lifetimeOf(answer, lifetimes);
    if (seconds <= 0 || answer.body.length > capacity) return;
    const now = Date.now();
    this.#drop(key);
    this.#add(key, { ...answer, storedAt: now, until: now + seconds * 1000 });
    for (const oldest of this.#kept.keys()) {
      if (this.#size <= capacity) break;
      this.#drop(oldest);
    }
  }

  #add(key: string, kept: Kept): void {
    this.#kept.set(key, kept);
    this.#size += kept.body.length;
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key);
    if (!kept) return;
    this.#kept.delete(key);
    this.#size -= kept.body.length;
  }
}

/** CloudFront keeps what may be kept for as long as it is said to be fresh, within the policy's bounds. */
function lifetimeOf({ status, headers }: Answer, { least, usual, most }: Lifetimes): number {
  if (status !== 200 || most === 0) return 0;
  const policy = new CachePolicy({ url: "/", method: "GET", headers: {} }, { status, headers }, { shared: true });
  if (!policy.storable()) return least;
  const isSaid = headers.expires !== undefined || /(max-age|s-maxage|no-cache)/.test(headers["cache-control"] ?? "");
  const said = isSaid ? policy.timeToLive() / 1000 : usual;
  return Math.min(Math.max(said, least), most);
}
