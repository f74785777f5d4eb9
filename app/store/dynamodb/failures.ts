/** An error of DynamoDB, of the SDK, or of the network under it. */
interface DynamoError {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly CancellationReasons?: readonly { readonly Code?: string; readonly Item?: unknown }[];
}

/** Nothing was written, and the same request may do in a moment. */
const busy = new Set<unknown>([
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ThrottlingException",
  "TransactionConflictException",
  "TransactionInProgressException",
]);

/** As above, for one action of a transaction. */
const busyReasons = new Set<unknown>(["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]);

/** No answer came: whether the write happened is unknown. */
const losses = new Set<unknown>([
  "TimeoutError",
  "AbortError",
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/** Whether the same request may succeed in a moment. */
export function isTransient(error: unknown): boolean {
  const { name, code, $metadata } = (error ?? {}) as DynamoError;
  if (busy.has(name) || losses.has(name) || losses.has(code)) return true;
  if (isCancelled(error)) return reasons(error).some(({ Code }) => busyReasons.has(Code));
  return ($metadata?.httpStatusCode ?? 0) >= 500;
}

/** Whether a condition of a transaction or of a single write did not hold, and that is all. */
export function isRefused(error: unknown): boolean {
  return (
    (error as DynamoError)?.name === "ConditionalCheckFailedException" || (isCancelled(error) && !isTransient(error))
  );
}

/** Whether the table is not there, or we may not use it: no retry helps, but somebody may be about to put it right. */
export function isUnreachable(error: unknown): boolean {
  const { name } = (error ?? {}) as DynamoError;
  return name === "ResourceNotFoundException" || name === "AccessDeniedException";
}

/** Why each action of a transaction was refused, in their order. */
export function reasons(error: unknown): readonly { readonly Code?: string; readonly Item?: unknown }[] {
  return (error as DynamoError)?.CancellationReasons ?? [];
}

function isCancelled(error: unknown): boolean {
  return (error as DynamoError)?.name === "TransactionCanceledException";
}
