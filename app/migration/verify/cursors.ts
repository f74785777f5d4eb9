import type { Journal } from "../model.ts";

/**
 * Keeps how far a piece has been verified. A cursor is kept only when everything before it is settled: until then, whoever
 * goes on looks at it again.
 */
export class Trail {
  readonly #journal: Journal;
  readonly #failed: (error: unknown) => void;
  #last: Promise<void> = Promise.resolve();

  /** @param failed told when something could not be settled or kept */
  constructor(journal: Journal, failed: (error: unknown) => void) {
    this.#journal = journal;
    this.#failed = failed;
  }

  /** Keeps the cursor when all before it are kept and what it waits for is settled. */
  add(key: string, cursor: unknown, settled: Promise<void>): void {
    const before = this.#last;
    this.#last = (async () => {
      await Promise.all([before, settled]);
      await this.#journal.put(key, cursor);
    })();
    this.#last.catch(this.#failed);
  }

  /** Settles when everything that was added is kept. */
  get kept(): Promise<void> {
    return this.#last;
  }
}
