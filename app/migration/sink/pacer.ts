import { Rate } from "./rate.ts";

/** Items per second at first, which doubles every second until something is refused: a new table takes 4,000. */
const first = 2000;

/** What is left after a refusal: of what was taken lately, or at least of what was sent. */
const ofTaken = 0.7;
const ofSent = 0.5;

/**
 * What the rate grows by in each second without a refusal: items per second, or a share of the rate it fell to; twice that
 * after so many seconds, three times after twice as many, and so on, as then the table may take far more than it did.
 */
const least = 5;
const share = 0.1;
const doubledAfter = 5;

/** Seconds of the rate that may be sent at once after a moment of rest. */
const burst = 0.1;

/** Greatest rate: a quota of tables without reserved throughput (40,000) and then some. */
const greatest = 100_000;

/** Least rate: one item in two seconds, to find out whether the table takes anything again. */
const slowest = 0.5;

/**
 * Finds out how many items per second the table takes, by additive increase and multiplicative decrease, as TCP finds out what
 * a network takes: twice as much in each second until something is refused for want of throughput; from then on a little
 * less than what was taken after each refusal, and a little more in each second without.
 *
 * It is a rate and not a number of requests under way: a table that refuses answers at once, and even one request at a time
 * would be refused over and over.
 */
export class Pacer {
  readonly #now: () => number;
  readonly #taken: Rate;
  readonly #sent: Rate;
  #rate = first;
  #growth: number | undefined;
  #tokens = first * burst;
  #countedAt: number;
  #refusedAt = Number.NEGATIVE_INFINITY;

  /** @param now milliseconds on a clock that never goes back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#countedAt = now();
    this.#taken = new Rate({ span: 1, now });
    this.#sent = new Rate({ span: 1, now });
  }

  /** Items that may be sent per second. */
  get rate(): number {
    this.#count();
    return this.#rate;
  }

  /** Items that may be sent now. */
  get room(): number {
    this.#count();
    return Math.floor(this.#tokens);
  }

  /** Milliseconds until so many items may be sent; fewer where that many may never be sent at once. */
  wait(items: number): number {
    this.#count();
    const wanted = Math.min(items, this.#most);
    return wanted <= this.#tokens ? 0 : Math.ceil(((wanted - this.#tokens) / this.#rate) * 1000);
  }

  /** Whether the table refused something within so many milliseconds. */
  throttledWithin(milliseconds: number): boolean {
    return this.#now() - this.#refusedAt < milliseconds;
  }

  /** Counts items as sent; returns when that was, for {@link settled}. */
  sent(items: number): number {
    this.#count();
    this.#tokens -= items;
    this.#sent.add(items);
    return this.#now();
  }

  /** What became of items that were sent at `since`: how many of them were refused for want of throughput. */
  settled(items: number, since: number, refused: number): void {
    this.#count();
    this.#taken.add(items - refused);
    // What was sent before the rate fell says nothing about the rate that it fell to.
    if (refused === 0 || since < this.#refusedAt) return;
    this.#refusedAt = this.#now();
    const sent = Math.min(this.#rate, this.#sent.perSecond());
    this.#rate = Math.max(slowest, sent * ofSent, Math.min(sent, this.#taken.perSecond()) * ofTaken);
    this.#growth = Math.max(least, this.#rate * share);
    this.#tokens = Math.min(this.#tokens, 0);
  }

  get #most(): number {
    return Math.max(1, this.#rate * burst);
  }

  /** Lets the rate and what may be sent grow by the time that has passed. */
  #count(): void {
    const now = this.#now();
    const seconds = (now - this.#countedAt) / 1000;
    this.#countedAt = now;
    const steps = 1 + (now - this.#refusedAt) / 1000 / doubledAfter;
    const grown = this.#growth === undefined ? this.#rate * 2 ** seconds : this.#rate + this.#growth * steps * seconds;
    // Nothing is gained by more than any table takes.
    this.#rate = Math.min(greatest, grown);
    this.#tokens = Math.min(this.#most, this.#tokens + this.#rate * seconds);
  }
}
