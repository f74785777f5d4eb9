import type { Logger } from "pino";
import { Snowflakes } from "../domain/snowflake.ts";
import type { GrantedWindow, WorkerLeases } from "../store/workers.ts";

export interface IdsOptions {
  readonly leases: WorkerLeases;
  /** Names this process among all servers; shown in the store. */
  readonly holder: string;
  readonly log: Logger;
  /** Milliseconds that a worker number is leased for; renewed after a third of it. @default 30000 */
  readonly leaseDuration?: number;
}

/** Makes ids with a worker number that it leases and keeps renewing. While there is no lease, no ids are made. */
export class Ids {
  readonly #options: IdsOptions;
  readonly #duration: number;
  readonly #snowflakes: Snowflakes;
  #granted: GrantedWindow | undefined;
  /** Add to the monotonic clock to get the grantor's time. */
  #offset = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #tending: Promise<void> | undefined;

  constructor(options: IdsOptions) {
    this.#options = options;
    this.#duration = options.leaseDuration ?? 30_000;
    // The grantor's clock, carried on by a clock that nobody sets: this machine's wall clock has no say in ids.
    this.#snowflakes = new Snowflakes(() => performance.now() + this.#offset);
  }

  /** Leases a worker number. Rejects when none is to be had. */
  async start(): Promise<void> {
    await this.#tend();
    this.#schedule(this.#duration / 3);
  }

  /** @throws AppError 503 while no worker number is leased */
  next(): string {
    return this.#snowflakes.next();
  }

  /** The leased worker number, if any. */
  get worker(): number | undefined {
    return this.#granted?.worker;
  }

  /** Makes no more ids and gives the number back. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#tending?.catch(() => {}); // a failed renewal leaves nothing to wait for
    this.#snowflakes.use(undefined);
    const { leases, holder, log } = this.#options;
    if (!this.#granted) return;
    await leases.release(this.#granted, holder, this.#snowflakes.last).catch((error) => {
      log.warn({ err: error }, "worker number not given back; it is free again when its lease ends");
    });
  }

  #schedule(delay: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      this.#tending = this.#tend().then(
        () => this.#schedule(this.#duration / 3),
        (error) => {
          this.#options.log.warn({ err: error }, "worker number not renewed; trying again");
          this.#schedule(Math.min(1000, this.#duration / 10));
        },
      );
    }, delay);
    this.#timer.unref();
  }

  async #tend(): Promise<void> {
    const { leases, holder, log } = this.#options;
    // Taken before asking: the answer's age counts against the lease, never for it.
    const asked = performance.now();
    let granted = this.#granted && (await leases.renew(this.#granted, holder, this.#duration));
    if (!granted) {
      if (this.#granted) log.warn({ worker: this.#granted.worker }, "worker number lost; leasing another");
      this.#use(undefined, asked);
      const askedAnew = performance.now();
      granted = await leases.claim(holder, this.#duration);
      this.#use(granted, askedAnew);
      log.info({ worker: granted.worker }, "worker number leased");
      return;
    }
    this.#use(granted, asked);
  }

  #use(granted: GrantedWindow | undefined, asked: number): void {
    this.#granted = granted;
    if (granted) this.#offset = granted.grantedAt - asked;
    this.#snowflakes.use(granted);
  }
}
