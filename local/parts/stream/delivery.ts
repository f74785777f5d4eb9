import { AwsError } from "../../aws/errors.ts";
import type { Settings } from "./settings.ts";
import type { StreamRecord } from "./source.ts";

/** Why records were given up. */
export type Condition = "RetryAttemptsExhausted" | "RecordAgeExceeded";

/** What a mapping needs of the world to hand batches over. */
export interface Outside {
  /** Invokes the function; its answer as JSON. @throws AwsError with the function's own error */
  invoke(records: readonly StreamRecord[]): Promise<string>;
  /** Tells that records will not be handed over any more. */
  giveUp(records: readonly StreamRecord[], condition: Condition, invocations: number, failure: string | null): void;
  /** Waits; returns early when the mapping is stopped. */
  pause(milliseconds: number): Promise<void>;
  readonly isStopped: () => boolean;
  /** Milliseconds since 1970. */
  now(): number;
  log(message: string): void;
}

/** Most milliseconds between two tries. */
const longestPause = 10_000;

/**
 * Hands batches to a function by Lambda's rules: what fails is tried again, halved if so wished, from the record on
 * that the function names, until it works or its retries or its age are used up.
 */
export class Delivery {
  readonly #settings: Settings;
  readonly #outside: Outside;

  constructor(settings: Settings, outside: Outside) {
    this.#settings = settings;
    this.#outside = outside;
  }

  /**
   * Returns when nothing is left to do for any of the records, or when the mapping is stopped.
   *
   * @param done called with records that are done with, in their order
   */
  async deliver(records: readonly StreamRecord[], done: (records: readonly StreamRecord[]) => void): Promise<void> {
    await this.#deliver(records, done, 0);
  }

  async #deliver(
    records: readonly StreamRecord[],
    done: (records: readonly StreamRecord[]) => void,
    failuresBefore: number,
  ): Promise<void> {
    let rest = records;
    let failure: string | null = null;
    for (let failures = failuresBefore; rest.length > 0 && !this.#outside.isStopped();) {
      rest = this.#dropOld(rest, done, failures, failure);
      if (rest.length === 0) return;
      const outcome = await this.#try(rest);
      if (this.#outside.isStopped() && outcome.isWhole) return;
      done(rest.slice(0, outcome.worked));
      rest = rest.slice(outcome.worked);
      if (rest.length === 0) return;
      failure = outcome.failure ?? null;
      // A batch that the function has shortened is another one: this was its first try.
      if (outcome.worked > 0) failures = 0;
      if (outcome.isWhole && this.#settings.bisects && rest.length > 1) {
        // Halving is no retry.
        await this.#outside.pause(pauseAfter(failures + 1));
        const middle = Math.ceil(rest.length / 2);
        await this.#deliver(rest.slice(0, middle), done, failures);
        return this.#deliver(rest.slice(middle), done, failures);
      }
      failures++;
      if (failures > this.#settings.retries) {
        this.#outside.giveUp(rest, "RetryAttemptsExhausted", failures, failure);
        return done(rest);
      }
      await this.#outside.pause(pauseAfter(failures));
    }
  }

  /** Gives up the records that have become too old. */
  #dropOld(
    records: readonly StreamRecord[],
    done: (records: readonly StreamRecord[]) => void,
    failures: number,
    failure: string | null,
  ): readonly StreamRecord[] {
    const oldest = this.#outside.now() - this.#settings.maximumAge;
    const young = records.findIndex(({ dynamodb }) => dynamodb.ApproximateCreationDateTime * 1000 >= oldest);
    const old = records.slice(0, young < 0 ? records.length : young);
    if (old.length === 0) return records;
    this.#outside.giveUp(old, "RecordAgeExceeded", failures, failure);
    done(old);
    return records.slice(old.length);
  }

  /** How many records worked, from the first on, and why the others did not. */
  async #try(records: readonly StreamRecord[]): Promise<{ worked: number; failure?: string; isWhole?: boolean }> {
    let answer: string;
    try {
      answer = await this.#outside.invoke(records);
    } catch (error) {
      const reason = error instanceof AwsError ? `${error.code}: ${error.message}` : (error as Error).message;
      if (!this.#outside.isStopped()) this.#outside.log(`a batch of ${records.length} failed: ${reason}`);
      return { worked: 0, failure: "Unhandled", isWhole: true };
    }
    if (!this.#settings.reportsFailures) return { worked: records.length };
    const worked = this.#firstFailure(records, answer);
    if (worked === undefined) {
      this.#outside.log(`a batch of ${records.length} failed: ${answer} names no record of it`);
      return { worked: 0, failure: "Unhandled", isWhole: true };
    }
    return { worked };
  }

  /** Index of the first record that the function reports; their number when it reports none; undefined for nonsense. */
  #firstFailure(records: readonly StreamRecord[], answer: string): number | undefined {
    const { batchItemFailures } = (JSON.parse(answer) ?? {}) as { batchItemFailures?: unknown };
    if (batchItemFailures === undefined || batchItemFailures === null) return records.length;
    if (!Array.isArray(batchItemFailures)) return undefined;
    const numbers = records.map(({ dynamodb }) => dynamodb.SequenceNumber);
    const indexes = batchItemFailures.map((item) =>
      numbers.indexOf(String((item as { itemIdentifier?: unknown } | null)?.itemIdentifier)),
    );
    return indexes.includes(-1) ? undefined : Math.min(records.length, ...indexes);
  }
}

function pauseAfter(failures: number): number {
  return Math.min(longestPause, 100 * 2 ** Math.min(failures, 10));
}
