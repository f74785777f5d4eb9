import type { Logger } from "pino";
import type { Removals } from "../store/store.ts";
import type { Pictures } from "./pictures.ts";

export interface RemoverOptions {
  /** Where deleted posts wait; throws while the store is not open. */
  readonly removals: () => Removals;
  readonly pictures: Pick<Pictures, "remove">;
  readonly log: Logger;
  /** Milliseconds between looks at what other servers left undone. @default 30000 */
  readonly interval?: number;
}

/** Posts whose objects are removed in one go. */
const batch = 20;

/**
 * Removes the objects of deleted posts, after the deletion and apart from it: S3's trouble never fails a deletion, and
 * what a server leaves undone, another finds in the store. Two servers may remove the same objects; the second finds
 * nothing.
 */
export class Remover {
  readonly #options: RemoverOptions;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(options: RemoverOptions) {
    this.#options = options;
  }

  /** Begins to look at regular times. */
  start(): void {
    const { interval = 30_000 } = this.#options;
    // A chance each: servers that started together needn't look together.
    this.#timer = setInterval(() => this.wake(), interval * (0.75 + Math.random() / 2));
    this.#timer.unref();
    this.wake();
  }

  /** Looks now: a post was just deleted. */
  wake(): void {
    if (this.#closed) return;
    if (this.#working) {
      this.#again = true;
      return;
    }
    this.#working = this.#work().finally(() => {
      this.#working = undefined;
      if (!this.#again) return;
      this.#again = false;
      this.wake();
    });
  }

  /** Ends after the removals under way. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#working;
  }

  async #work(): Promise<void> {
    const { removals, pictures, log } = this.#options;
    try {
      for (;;) {
        const waiting = await removals().removals(batch);
        for (const { postId, keys } of waiting) {
          await pictures.remove(keys);
          await removals().removed(postId);
        }
        if (waiting.length < batch || this.#closed) return;
      }
    } catch (error) {
      log.warn({ err: error }, "pictures of deleted posts not removed; trying again");
    }
  }
}
