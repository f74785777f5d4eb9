/**
 * Works on all pieces step by step, in turns, some at once: a step returns what is left of its piece, or nothing.
 *
 * @throws the signal's reason after the steps under way; the first error of a step after the others' steps
 */
export async function workOff<T>(
  pieces: readonly T[],
  lanes: number,
  signal: AbortSignal,
  step: (piece: T) => Promise<T | undefined>,
): Promise<void> {
  const waiting = [...pieces];
  const failures: unknown[] = [];
  const lane = async () => {
    for (let piece = waiting.shift(); piece !== undefined; piece = waiting.shift()) {
      if (signal.aborted || failures.length > 0) return;
      try {
        const left = await step(piece);
        if (left !== undefined) waiting.push(left);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  signal.throwIfAborted();
  if (failures.length > 0) throw failures[0];
}
