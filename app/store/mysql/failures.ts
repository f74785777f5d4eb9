/** An error of the database server or its driver. */
interface DatabaseError {
  readonly code?: unknown;
  readonly errno?: unknown;
  readonly message?: unknown;
}

/** Two transactions wanted each other's rows, or one waited too long: nothing was written, run it again. */
const conflicts = new Set<unknown>([
  "ER_LOCK_DEADLOCK",
  "ER_LOCK_WAIT_TIMEOUT",
  "ER_CHECKREAD", // MariaDB: a row changed since this transaction's snapshot
  "ER_NEED_REPREPARE",
]);

/** The connection or the server went away; whether a commit arrived is unknown. */
const losses = new Set<unknown>([
  "PROTOCOL_CONNECTION_LOST",
  "PROTOCOL_SEQUENCE_TIMEOUT",
  "PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR",
  "PROTOCOL_ENQUEUE_AFTER_QUIT",
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ER_SERVER_SHUTDOWN",
  "ER_NORMAL_SHUTDOWN",
  "ER_CONNECTION_KILLED",
  "ER_SESSION_WAS_KILLED",
  "ER_CON_COUNT_ERROR",
  // A failover has made this server the standby.
  "ER_OPTION_PREVENTS_STATEMENT",
  "ER_READ_ONLY_MODE",
  "ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION",
]);

const numbers = new Map<unknown, string>([
  [1152, "ER_CONNECTION_KILLED"], // aborted connection
  [1927, "ER_CONNECTION_KILLED"], // MariaDB
  [3169, "ER_SESSION_WAS_KILLED"],
]);

/** Whether the transaction can simply be run again. */
export function isConflict(error: unknown): boolean {
  return conflicts.has((error as DatabaseError)?.code);
}

/** Whether the connection is gone and another may do. */
export function isLoss(error: unknown): boolean {
  const { code, errno, message } = (error ?? {}) as DatabaseError;
  if (losses.has(code) || numbers.has(errno)) return true;
  // The driver's own errors that carry no code.
  return /closed state|Pool is closed/.test(String(message));
}

/** Whether the login was refused: the password has rotated. */
export function isRefusedLogin(error: unknown): boolean {
  const { code } = (error ?? {}) as DatabaseError;
  return code === "ER_ACCESS_DENIED_ERROR" || code === "ER_ACCESS_DENIED_NO_PASSWORD_ERROR";
}

/** Whether more queries wait for a connection than may. */
export function isOverload(error: unknown): boolean {
  return (error as DatabaseError)?.message === "Queue limit reached.";
}

/** Whether a row with the same key exists. */
export function isDuplicate(error: unknown): boolean {
  return (error as DatabaseError)?.code === "ER_DUP_ENTRY";
}
