/** An answer of AWS that something cannot be done: `code: message`. */
export class AwsError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = code;
    this.code = code;
  }
}

/**
 * A resource that was made but did not become what it should be. The engine keeps it in its state, so that the next
 * update goes on from there.
 */
export class NotSettled extends Error {
  override readonly name = "NotSettled";
}
