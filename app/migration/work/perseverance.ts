import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { AppError } from "../../domain/errors.ts";
import { isTransient } from "../../store/dynamodb/failures.ts";
import { isConflict, isLoss, isOverload, isRefusedLogin } from "../../store/mysql/failures.ts";
import { Deposed } from "../model.ts";

/** A migration cannot go on as things are; says what is to be done about it. Looked at again from time to time. */
export class Refused extends Error {
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "Refused";
  }
}

/** Why an activity stands still. */
interface Trouble {
  readonly reason: string;
  /** Whether it will not pass by itself. */
  readonly isFatal: boolean;
}

/** What stands still just now, by activity. */
export class Troubles {
  readonly #by = new Map<string, Trouble>();

  set(activity: string, trouble: Trouble): void {
    this.#by.set(activity, trouble);
  }

  clear(activity: string): void {
    this.#by.delete(activity);
  }

  /** Whether somebody has to do something. */
  get areFatal(): boolean {
    return [...this.#by.values()].some(({ isFatal }) => isFatal);
  }

  /** Each reason once; null when there is none. */
  get text(): string | null {
    const reasons = new Set([...this.#by.values()].map(({ reason }) => reason));
    return reasons.size === 0 ? null : [...reasons].join("\n");
  }
}

export interface Persevering {
  readonly troubles: Troubles;
  readonly log: Pick<Logger, "warn">;
  readonly signal: AbortSignal;
}

/** Milliseconds between attempts: doubled up to half a minute, so that a server that comes back is not overrun. */
const shortestPause = 500;
const longestPause = 30_000;

/** Milliseconds after which an attempt counts as one that works: longer than any connection takes to fail. */
const settledAfter = 15_000;

/**
 * Does something until it succeeds. What stands in its way is told meanwhile: servers that don't answer are waited for,
 * and what somebody has to put right is looked at again.
 *
 * @throws Deposed when another worker has taken over
 * @throws the signal's reason when that ends it
 */
export async function persevere<T>(
  activity: string,
  { troubles, log, signal }: Persevering,
  work: () => Promise<T>,
): Promise<T> {
  for (let failures = 0; ; failures++) {
    signal.throwIfAborted();
    const settled = setTimeout(() => {
      failures = 0;
      troubles.clear(activity);
    }, settledAfter);
    try {
      const result = await work();
      troubles.clear(activity);
      return result;
    } catch (error) {
      if (signal.aborted) troubles.clear(activity);
      signal.throwIfAborted();
      if (error instanceof Deposed) throw error;
      const trouble = troubleOf(error);
      troubles.set(activity, trouble);
      log.warn({ err: error, activity, fatal: trouble.isFatal }, "stands still; trying again");
    } finally {
      clearTimeout(settled);
    }
    const wait = Math.min(shortestPause * 2 ** failures, longestPause);
    await pause(wait, undefined, { signal }).catch(() => {}); // the loop looks at the signal
  }
}

function troubleOf(error: unknown): Trouble {
  const silent = silenceOf(error);
  if (silent !== undefined) return { reason: `${silent}. It is waited for.`, isFatal: false };
  const { name, message } = error as Error;
  const isTold = name === "Refused" || name === "StreamRefused";
  const reason = isTold ? message : `Something unexpected: ${message}. The worker's log has more.`;
  return { reason, isFatal: true };
}

/** Who doesn't answer, if that is all that is wrong. */
function silenceOf(error: unknown): string | undefined {
  // What the table's access gives up on carries the reason as its cause.
  if (error instanceof AppError && error.status === 503) {
    const { name, code, message } = (error.cause ?? error) as Error & { code?: string };
    return `DynamoDB does not answer, or refuses us (${code ?? name}: ${message})`;
  }
  const { code, message, sqlState } = error as Error & { code?: string; sqlState?: string };
  const isOfDatabase = sqlState !== undefined || /^(ER_|PROTOCOL_)/.test(code ?? "");
  if (isOfDatabase ? isLoss(error) || isConflict(error) || isRefusedLogin(error) : isOverload(error))
    return `The database does not answer, or refuses us (${code}: ${message})`;
  if (isLoss(error) || isTransient(error))
    return `A server does not answer (${code ?? (error as Error).name}: ${message})`;
  return undefined;
}
