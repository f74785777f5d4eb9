import { randomBytes } from "node:crypto";
import type { Store } from "../../app/store/store.ts";

const someDay = Date.UTC(2024, 1, 29) * 1000;

/** A few people who live on a store: every kind of write that there is, in turn. */
export class Life {
  readonly #store: Store;
  readonly #nextId: () => string;
  readonly people: string[] = [];
  readonly #posts: { id: string; author: string }[] = [];
  readonly #sessions: { userId: string; tokenHash: Buffer }[] = [];
  #steps = 0;

  constructor({ store, nextId }: { store: Store; nextId: () => string }) {
    this.#store = store;
    this.#nextId = nextId;
  }

  async signUp(): Promise<string> {
    const id = this.#nextId();
    const name = `u${id}`;
    await this.#store.createUser({ id, name, displayName: name, passwordHash: "hash", createdAt: someDay });
    this.people.push(id);
    return id;
  }

  /** The next write. */
  async step(): Promise<void> {
    const step = this.#steps++;
    const store = this.#store;
    if (this.people.length < 3) return void (await this.signUp());
    const me = this.people[step % this.people.length] as string;
    const other = this.people[(step + 1 + (step % 2)) % this.people.length] as string;
    const post = this.#posts.at(-1 - (step % 5));
    switch (step % 9) {
      case 0:
      case 1:
      case 2: {
        const id = this.#nextId();
        const hash = randomBytes(32);
        const once = step % 2 === 0 ? { key: hash, fingerprint: hash } : undefined;
        await store.createPost({ id, authorId: me, text: `chirp ${step} ☀️`, createdAt: someDay + step }, once);
        this.#posts.push({ id, author: me });
        return;
      }
      case 3:
      case 4:
        return store.setFollow(me, other, step % 4 !== 0, someDay);
      case 5:
      case 6:
        return post && store.setLike(me, post.id, step % 4 !== 1, someDay);
      case 7: {
        const session = { userId: me, tokenHash: randomBytes(32) };
        this.#sessions.push(session);
        if (this.#sessions.length > 3) {
          const ended = this.#sessions.shift()!;
          await store.endSession(ended.userId, ended.tokenHash);
        }
        return store.createSession({ ...session, createdAt: someDay, expiresAt: someDay + 1 });
      }
      default:
        if (step % 4 !== 0 || !post) return void (await this.signUp());
        this.#posts.splice(this.#posts.indexOf(post), 1);
        return store.deletePost(post.id, post.author);
    }
  }
}
