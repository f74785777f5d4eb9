import type { Properties } from "../../aws/record.ts";
import type { Failure } from "../../aws/resource-type.ts";
import { unknown } from "../../provider/values.ts";

/** How a stream's records are handed to a function. */
export interface Settings {
  readonly streamArn: string;
  readonly functionName: string;
  readonly isEnabled: boolean;
  readonly startingPosition: "TRIM_HORIZON" | "LATEST";
  /** Most records of a batch. */
  readonly batchSize: number;
  /** Most milliseconds that a batch is waited for to fill. */
  readonly window: number;
  /** Batches of one shard that are worked on beside each other; a partition key's stay in order. */
  readonly lanes: number;
  readonly bisects: boolean;
  readonly reportsFailures: boolean;
  /** Most times that a batch is tried again. */
  readonly retries: number;
  /** Milliseconds after which a record is given up. */
  readonly maximumAge: number;
  /** Queue that is told what was given up. */
  readonly destination: string | undefined;
}

/** The settings that inputs stand for, with Lambda's defaults. */
export function settingsOf(inputs: Properties): Settings {
  const {
    maximumRetryAttempts = -1,
    maximumRecordAgeInSeconds = -1,
    functionResponseTypes,
    destinationConfig,
  } = inputs;
  const { onFailure } = (destinationConfig ?? {}) as { onFailure?: { destinationArn?: string } };
  const orNever = (limit: unknown) => (Number(limit) < 0 ? Number.POSITIVE_INFINITY : Number(limit));
  return {
    streamArn: String(inputs.eventSourceArn),
    functionName: String(inputs.functionName),
    isEnabled: inputs.enabled !== false,
    startingPosition: inputs.startingPosition === "LATEST" ? "LATEST" : "TRIM_HORIZON",
    batchSize: Number(inputs.batchSize ?? 100),
    window: Number(inputs.maximumBatchingWindowInSeconds ?? 0) * 1000,
    lanes: Number(inputs.parallelizationFactor ?? 1),
    bisects: inputs.bisectBatchOnFunctionError === true,
    reportsFailures: ((functionResponseTypes ?? []) as string[]).includes("ReportBatchItemFailures"),
    retries: orNever(maximumRetryAttempts),
    maximumAge: orNever(maximumRecordAgeInSeconds) * 1000,
    destination: onFailure?.destinationArn,
  };
}

const numbers: readonly [property: string, least: number, most: number, never?: number][] = [
  ["batchSize", 1, 10_000],
  ["maximumBatchingWindowInSeconds", 0, 300],
  ["parallelizationFactor", 1, 10],
  ["maximumRetryAttempts", 0, 10_000, -1],
  ["maximumRecordAgeInSeconds", 60, 604_800, -1],
];

/** What Lambda, or this machine, does not take. */
export function failuresIn(inputs: Properties): Failure[] {
  const { eventSourceArn, startingPosition } = inputs;
  const failures: Failure[] = [];
  const known = (value: unknown) => value !== undefined && value !== unknown;
  for (const [property, least, most, never] of numbers) {
    const value = inputs[property];
    if (!known(value) || value === never) continue;
    if (!(Number(value) >= least && Number(value) <= most))
      failures.push({ property, reason: `${String(value)} is not between ${least} and ${most}` });
  }
  if (known(eventSourceArn) && !/:dynamodb:.*\/stream\//.test(String(eventSourceArn)))
    failures.push({
      property: "eventSourceArn",
      reason: `the local AWS follows streams of DynamoDB tables, not ${JSON.stringify(eventSourceArn)}`,
    });
  if (known(startingPosition) && !["LATEST", "TRIM_HORIZON"].includes(String(startingPosition)))
    failures.push({
      property: "startingPosition",
      reason: `${String(startingPosition)} is neither LATEST nor TRIM_HORIZON`,
    });
  const { destination } = settingsOf(inputs);
  if (known(destination) && !String(destination).includes(":sqs:"))
    failures.push({
      property: "destinationConfig",
      reason: `the local AWS tells SQS queues, not ${String(destination)}`,
    });
  return failures;
}
