import type { Logger } from "pino";
import { errors } from "../domain/errors.ts";
import type { OpenStore } from "../store/mysql/open.ts";
import type { Id, Store } from "../store/store.ts";
import { Ids } from "./ids.ts";

/** What requests are served from. */
export interface Backend {
  /** @throws AppError 503 while the store is not open */
  readonly store: Store;
  /** @throws AppError 503 while no worker number is leased */
  nextId(): Id;
}

export interface StoreBackendOptions {
  /** Opens the store; called again until it succeeds. */
  readonly open: () => Promise<OpenStore>;
  readonly holder: string;
  readonly log: Logger;
  /** Milliseconds between attempts to open. @default 1000 */
  readonly retryDelay?: number;
}

/**
 * Opens the store in the background, trying until it works: a server that starts before its database, or during a
 * failover, answers 503 and recovers by itself.
 */
export class StoreBackend implements Backend {
  readonly #options: StoreBackendOptions;
  readonly #opening: Promise<void>;
  #opened: { source: OpenStore; ids: Ids } | undefined;
  #closed = false;
  #wake: () => void = () => {};

  constructor(options: StoreBackendOptions) {
    this.#options = options;
    this.#opening = this.#keepOpening();
  }

  get store(): Store {
    return this.#current().source.store;
  }

  nextId(): Id {
    return this.#current().ids.next();
  }

  /** Settles when the store is open, or after this many milliseconds. */
  async opened(atMost: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, atMost);
    });
    await Promise.race([this.#opening, patience]);
    clearTimeout(timer);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await this.#opening;
    await this.#opened?.ids.close();
    await this.#opened?.source.close();
  }

  #current(): { source: OpenStore; ids: Ids } {
    if (!this.#opened) throw errors.unavailable(new Error("the store is not open yet"));
    return this.#opened;
  }

  async #keepOpening(): Promise<void> {
    const { log, retryDelay = 1000 } = this.#options;
    while (!this.#closed && !this.#opened) {
      try {
        this.#opened = await this.#open();
        log.info("store open");
      } catch (error) {
        log.warn({ err: error }, `the store cannot be opened; next attempt in ${retryDelay} ms`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          setTimeout(resolve, retryDelay).unref();
        });
      }
    }
  }

  async #open(): Promise<{ source: OpenStore; ids: Ids }> {
    const { open, holder, log } = this.#options;
    const source = await open();
    const ids = new Ids({ leases: source.workers, holder, log });
    try {
      await ids.start();
    } catch (error) {
      await source.close();
      throw error;
    }
    return { source, ids };
  }
}
