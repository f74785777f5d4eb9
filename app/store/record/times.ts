/**
 * How long a switch of the store of record takes beyond the work itself, all in one place, because the numbers lean on
 * each other. Milliseconds.
 *
 * What a server knows of the record it may rely on for `reliance`, counted from before it asked. So after each change of
 * the record everybody has stopped relying on what was before when `settling` has passed: that is how long a switch
 * waits, once. Writes wait for the fence (milliseconds; up to `stuckAfter` twice where a server's open write has to be
 * ended), for what the migration has to bring over, for `settling`, and for the next look of their server, at most
 * `renewal` later: 0.6 s of 2 s; the rest is the migration's.
 *
 * Shorter, and a server that the machine leaves without a processor for a moment, or a request that is slow for once,
 * makes requests wait for a look of their own. Longer, and everybody waits longer in a switch.
 */
export const times = {
  reliance: 400,
  /** Between looks: three may fail or be late before anybody notices. */
  renewal: 100,
  /**
   * The last moments of the reliance in which no write is sent any more, so that what was sent arrives before anybody
   * else may take this store for finished.
   */
  writeMargin: 150,
  /** The reliance, and a little for monotonic clocks that run unequally and timers that are rounded. */
  settling: 450,
  /** After so long in which nobody asked, a server stops looking until somebody does: an idle stack costs nothing. */
  idleAfter: 5_000,
  /** A look that is not answered by then asks the other half of the record as well. */
  hedge: 300,
  /** A request waits so long for a switch to end before it is told to come again. */
  patience: 8_000,
  /** And so long when nobody can say which store is the record. */
  patienceInTheDark: 2_500,
  /** An open write that stands still for so long while the fence waits for it is one of a server that is frozen or gone. */
  stuckAfter: 300,
} as const;
