/**
 * A row's version: the epoch of the store of record in the high 24 bits, a count of changes in the low 40, so that one
 * unsigned 64-bit comparison orders every change ever made, whichever store made it.
 */
export type Version = bigint;

/** Bits of the change count. 2^40 changes of one row at a thousand a second take 34 years. */
export const countBits = 40n;

const maxEpoch = (1n << 24n) - 1n;
const maxCount = (1n << countBits) - 1n;

/**
 * The version with this epoch and count.
 *
 * @throws RangeError when either does not fit its bits.
 */
export function makeVersion(epoch: bigint, count: bigint): Version {
  if (epoch < 0n || epoch > maxEpoch) throw new RangeError(`epoch ${epoch} is not within 0..${maxEpoch}`);
  if (count < 0n || count > maxCount) throw new RangeError(`change count ${count} is not within 0..${maxCount}`);
  return (epoch << countBits) | count;
}

/** The version of a row's first change within an epoch; an insert has it as it is. */
export function firstVersion(epoch: bigint): Version {
  return makeVersion(epoch, 1n);
}

/** The version that a change gives to a row, as the stores' statements compute it: always greater than the one before. */
export function nextVersion(current: Version, epoch: bigint): Version {
  const [incremented, first] = [current + 1n, firstVersion(epoch)];
  return incremented > first ? incremented : first;
}

/** The epoch and the change count of a version. */
export function splitVersion(version: Version): { epoch: bigint; count: bigint } {
  return { epoch: version >> countBits, count: version & maxCount };
}
