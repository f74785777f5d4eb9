/** Parts of a second that are counted apart, so that the rate does not jump. */
const parts = 4;

/** Counts what happens per second, of late. */
export class Rate {
  readonly #span: number;
  readonly #now: () => number;
  readonly #began: number;
  /** Counts by part of a second. */
  readonly #counts = new Map<number, number>();

  /**
   * @param options.span seconds over which the rate is taken
   * @param options.now milliseconds on a clock that never goes back
   */
  constructor({ span = 4, now = () => performance.now() } = {}) {
    this.#span = span;
    this.#now = now;
    this.#began = now();
  }

  add(count: number): void {
    const part = this.#part();
    this.#counts.set(part, (this.#counts.get(part) ?? 0) + count);
    for (const old of this.#counts.keys()) if (old <= part - this.#span * parts) this.#counts.delete(old);
  }

  perSecond(): number {
    const first = this.#part() - this.#span * parts + 1;
    let sum = 0;
    for (const [part, count] of this.#counts) if (part >= first) sum += count;
    const since = Math.max(this.#began, (first * 1000) / parts);
    return sum / Math.max(1 / parts, (this.#now() - since) / 1000);
  }

  #part(): number {
    return Math.floor((this.#now() / 1000) * parts);
  }
}
