/** Where the stack stands when the climb begins. */
export interface Standing {
  /** Phase of the last update that succeeded; undefined when there is none. */
  readonly recorded: number | undefined;
  /** Phase that the config asks for: another than the recorded one when an update was interrupted. */
  readonly configured: number | undefined;
}

/**
 * The phases to update to, in order, one at a time up or down.
 *
 * The first one brings the stack to where it was or was going, which also finishes whatever an interrupted update
 * began; on a stack that is whole it changes nothing.
 */
export function steps({ recorded, configured }: Standing, target: number): number[] {
  if (recorded === undefined) return range(1, target);
  const isBetween = configured !== undefined && (configured - recorded) * (configured - target) < 0;
  const interrupted = configured !== undefined && configured !== recorded;
  if (interrupted && (configured === target || isBetween)) return range(configured, target);
  return range(recorded, target);
}

function range(from: number, to: number): number[] {
  const direction = Math.sign(to - from) || 1;
  return Array.from({ length: Math.abs(to - from) + 1 }, (_, at) => from + at * direction);
}
