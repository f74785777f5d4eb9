/** How fast a number changes, over the last while. */
export class Trend {
  readonly #window: number;
  #samples: { at: number; value: number }[] = [];

  /** @param window milliseconds to look back */
  constructor(window = 20_000) {
    this.#window = window;
  }

  /** @param at time in milliseconds */
  note(value: number, at: number): void {
    this.#samples.push({ at, value });
    const oldest = at - this.#window;
    // One that is older stays, or there would be nothing to compare with after a pause.
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? at) < oldest) this.#samples.shift();
  }

  /** Change per second. */
  get perSecond(): number {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || last.at - first.at < 500) return 0;
    return ((last.value - first.value) * 1000) / (last.at - first.at);
  }

  /** Seconds until it reaches `goal` at this pace; null when it does not come nearer. */
  secondsUntil(goal: number): number | null {
    const last = this.#samples.at(-1);
    if (!last) return null;
    if (last.value === goal) return 0;
    const seconds = (goal - last.value) / this.perSecond;
    return Number.isFinite(seconds) && seconds > 0 ? Math.round(seconds) : null;
  }
}
