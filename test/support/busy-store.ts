import { randomBytes } from "node:crypto";
import { AppError } from "../../app/domain/errors.ts";
import type { Store } from "../../app/store/store.ts";

/** People who use a store: as many as are wanted, at once, until they are stopped. */
export class BusyStore {
  readonly #store: Store;
  readonly #nextId: () => string;
  readonly #users: string[] = [];
  readonly #posts: { id: string; authorId: string }[] = [];
  #running: Promise<void>[] = [];
  #isStopped = false;
  /** Writes that were acknowledged. */
  writes = 0;

  constructor(store: Store, nextId: () => string) {
    this.#store = store;
    this.#nextId = nextId;
  }

  /** Makes people and so many writes of theirs. */
  async fill(users: number, writes: number): Promise<void> {
    for (let done = 0; done < users; done += 10) await Promise.all(Array.from({ length: 10 }, () => this.#user()));
    const lane = async (share: number) => {
      for (let done = 0; done < share; done++) await this.#write();
    };
    await Promise.all(Array.from({ length: 8 }, () => lane(Math.ceil(writes / 8))));
  }

  start(people = 4): void {
    this.#isStopped = false;
    this.#running = Array.from({ length: people }, () => this.#live());
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#running);
  }

  async #live(): Promise<void> {
    while (!this.#isStopped) {
      await this.#write();
      // A person takes a breath: the machine has other things to do.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
    }
  }

  async #write(): Promise<void> {
    try {
      await this.#do(Math.random());
      this.writes++;
    } catch (error) {
      // A post that somebody has deleted meanwhile; a database that was killed, which acknowledged nothing.
      if (!(error instanceof AppError)) throw error;
    }
  }

  async #do(chance: number): Promise<void> {
    const now = Date.now() * 1000;
    const user = one(this.#users);
    const post = one(this.#posts);
    if (chance < 0.05) return this.#user();
    if (chance < 0.1) return this.#session(user, now);
    if (chance < 0.4 || !post) return this.#post(user, now);
    if (chance < 0.45) return this.#store.deletePost(post.id, post.authorId);
    if (chance < 0.75) return this.#store.setLike(user, post.id, Math.random() < 0.7, now);
    const other = one(this.#users);
    if (other !== user) await this.#store.setFollow(user, other, Math.random() < 0.7, now);
  }

  async #user(): Promise<void> {
    const id = this.#nextId();
    const name = `u${id.slice(-20)}`;
    await this.#store.createUser({
      id,
      name,
      displayName: `${name} 🐦`,
      passwordHash: "",
      createdAt: Date.now() * 1000,
    });
    this.#users.push(id);
  }

  async #session(userId: string, now: number): Promise<void> {
    const tokenHash = randomBytes(32);
    // Binlogs leave zeros at the end of such a column out.
    if (Math.random() < 0.3) tokenHash.fill(0, 30);
    await this.#store.createSession({ userId, tokenHash, createdAt: now, expiresAt: now + 3600e6 });
    if (Math.random() < 0.5) await this.#store.endSession(userId, tokenHash);
  }

  async #post(authorId: string, now: number): Promise<void> {
    const id = this.#nextId();
    const once = Math.random() < 0.3 ? { key: randomBytes(32), fingerprint: randomBytes(32) } : undefined;
    await this.#store.createPost({ id, authorId, text: `Chirp ${id}, "ünïcode" ✓`, createdAt: now }, once);
    this.#posts.push({ id, authorId });
  }
}

function one<T>(list: readonly T[]): T {
  return list[Math.floor(Math.random() * list.length)] as T;
}
