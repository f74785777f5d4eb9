import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { ApiClient } from "../../support/api-client.ts";

/** A post that was acknowledged, and who likes it by what was acknowledged. */
interface KnownPost {
  readonly id: string;
  readonly author: string;
  readonly text: string;
  deleted: boolean;
  readonly likers: Set<string>;
}

/** A person: does one thing after the other, each at any server, and looks at another one whether it is so. */
interface Person {
  readonly name: string;
  readonly cookie: string;
  readonly follows: Set<string>;
}

/** People who use several servers at once, and remember what they were told. */
export class Crowd {
  readonly #urls: () => readonly string[];
  readonly #people: Person[] = [];
  readonly #posts: KnownPost[] = [];
  #isStopped = false;
  #living: Promise<void>[] = [];
  /** What was not as it had to be, in words. */
  readonly failures: string[] = [];
  /** Milliseconds per acknowledged write. */
  writes: number[] = [];

  /** @param urls servers that can be asked now */
  constructor(urls: () => readonly string[]) {
    this.#urls = urls;
  }

  async signUp(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const client = new ApiClient(this.#any());
      const name = `person_${this.#people.length}`;
      const { status } = await client.post("/api/signup", { name, password: "correct horse battery" });
      assert.equal(status, 201);
      this.#people.push({ name, cookie: client.cookie, follows: new Set() });
    }
  }

  start(): void {
    this.#isStopped = false;
    this.#living = this.#people.map(async (person) => {
      while (!this.#isStopped) {
        try {
          await this.#act(person, Math.random());
        } catch (error) {
          const { cause, message } = error as Error & { cause?: Error };
          this.failures.push(`${person.name}: ${message} ${cause?.message ?? ""}`);
        }
        // A breath, so that the machine has time for the servers.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 15));
      }
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#living);
  }

  /** Compares everything with what was acknowledged, as a server tells it. */
  async check(url: string): Promise<void> {
    for (const { name, cookie, follows } of this.#people) {
      const mine = this.#posts.filter(({ author, deleted }) => author === name && !deleted);
      const expected = mine.map(({ id, text, likers }) => ({ id, text, likes: likers.size }));
      expected.sort((a, b) => (BigInt(a.id) > BigInt(b.id) ? -1 : 1));
      assert.deepEqual(await this.#timeline(url, name, cookie), expected, `the timeline of ${name}`);
      const { body } = await ask(url, cookie, "GET", `/api/users/${name}`);
      const followers = this.#people.filter((other) => other.follows.has(name)).length;
      const { user } = body;
      assert.deepEqual([user.posts, user.following, user.followers], [mine.length, follows.size, followers], name);
    }
  }

  get posts(): number {
    return this.#posts.length;
  }

  async #timeline(url: string, name: string, cookie: string) {
    const found: { id: string; text: string; likes: number }[] = [];
    for (let next: string | null = ""; next !== null;) {
      const before: string = next ? `&before=${next}` : "";
      const { body } = await ask(url, cookie, "GET", `/api/users/${name}/posts?limit=100${before}`);
      found.push(...body.posts.map(({ id, text, likes }: (typeof found)[number]) => ({ id, text, likes })));
      next = body.next;
    }
    return found;
  }

  async #act(person: Person, chance: number): Promise<void> {
    const known = this.#posts.filter(({ deleted }) => !deleted);
    const post = known[Math.floor(Math.random() * known.length)];
    const other = this.#people[Math.floor(Math.random() * this.#people.length)] as Person;
    if (chance < 0.45 || !post) return this.#post(person);
    if (chance < 0.55 && post.author === person.name) return this.#delete(person, post);
    if (chance < 0.8 && post.author === person.name) return this.#like(person, post);
    if (other !== person) return this.#follow(person, other);
  }

  async #post(person: Person): Promise<void> {
    const [text, key] = [`Chirp ${randomUUID()}`, randomUUID()];
    const send = () => this.#write(person, "POST", "/api/posts", 201, { text }, { "Idempotency-Key": key });
    const { id } = (await send()).post;
    this.#posts.push({ id, author: person.name, text, deleted: false, likers: new Set() });
    // Among the newest: servers' ids are in order of time up to a few moments.
    const { status, body } = await ask(this.#any(), person.cookie, "GET", `/api/users/${person.name}/posts?limit=20`);
    const seen = body.posts?.map((post: { id: string }) => post.id);
    assert.ok(seen?.includes(id), `post ${id} is not seen: ${status} ${seen ?? JSON.stringify(body)}`);
    // As a client does that has not got its answer.
    if (Math.random() < 0.2) assert.equal((await send()).post.id, id, "the same key made another post");
  }

  async #delete(person: Person, post: KnownPost): Promise<void> {
    post.deleted = true;
    await this.#write(person, "DELETE", `/api/posts/${post.id}`, 204);
    assert.equal((await ask(this.#any(), person.cookie, "GET", `/api/posts/${post.id}`)).status, 404, "deleted");
  }

  /** Their own posts, so that nobody else deletes them meanwhile. */
  async #like(person: Person, post: KnownPost): Promise<void> {
    const likes = !post.likers.has(person.name);
    await this.#write(person, likes ? "PUT" : "DELETE", `/api/posts/${post.id}/like`, 204);
    post.likers[likes ? "add" : "delete"](person.name);
    const { body } = await ask(this.#any(), person.cookie, "GET", `/api/posts/${post.id}`);
    assert.equal(body.post?.likedByMe, likes, "the like is seen");
  }

  async #follow(person: Person, { name }: Person): Promise<void> {
    const follows = !person.follows.has(name);
    await this.#write(person, follows ? "PUT" : "DELETE", `/api/users/${name}/follow`, 204);
    person.follows[follows ? "add" : "delete"](name);
    const { body } = await ask(this.#any(), person.cookie, "GET", `/api/users/${name}`);
    assert.equal(body.user?.followedByMe, follows, "the follow is seen");
  }

  async #write(person: Person, method: string, path: string, expected: number, body?: unknown, headers?: Headers) {
    const begin = performance.now();
    const answer = await ask(this.#any(), person.cookie, method, path, body, headers);
    assert.equal(answer.status, expected, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    this.writes.push(performance.now() - begin);
    return answer.body;
  }

  #any(): string {
    const urls = this.#urls();
    return urls[Math.floor(Math.random() * urls.length)] as string;
  }
}

type Headers = Record<string, string>;

function ask(url: string, cookie: string, method: string, path: string, body?: unknown, headers?: Headers) {
  const client = new ApiClient(url);
  client.cookie = cookie;
  return client.send(method, path, body, headers);
}
