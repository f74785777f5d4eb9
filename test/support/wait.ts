export interface UntilOptions {
  /** Milliseconds before the wait fails. @default 10000 */
  readonly timeout?: number;
  /** What is waited for, in the error's words: "the server listens". */
  readonly describe?: string;
}

/**
 * Waits until the condition returns something truthy, and returns that.
 *
 * A condition that throws has not been met yet; the last reason is part of the error when time runs out.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeout = 10_000, describe = "the condition is met" }: UntilOptions = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeout;
  let reason = "";
  while (performance.now() < deadline) {
    try {
      const value = await condition();
      if (value) return value;
      reason = `it was ${JSON.stringify(value)}`;
    } catch (error) {
      reason = (error as Error).message;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`Waited ${timeout} ms until ${describe}; ${reason}`);
}
