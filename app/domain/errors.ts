/** What went wrong with one input field, by field name, in words for a person. */
export type FieldProblems = Record<string, string>;

export interface AppErrorOptions {
  /** Problems per input field, all at once. */
  readonly fields?: FieldProblems;
  /** Seconds after which a retry makes sense; becomes the `Retry-After` header. */
  readonly retryAfter?: number;
  /** The underlying error: logged, never sent to a client. */
  readonly cause?: unknown;
}

/** An error meant for the client: its message says what happened and what to do. Anything else is a defect (500). */
export class AppError extends Error {
  readonly status: number;
  /** Stable machine-readable name in snake_case. */
  readonly code: string;
  readonly fields: FieldProblems | undefined;
  readonly retryAfter: number | undefined;

  constructor(status: number, code: string, message: string, { fields, retryAfter, cause }: AppErrorOptions = {}) {
    super(message, { cause });
    this.name = "AppError";
    this.status = status;
    this.code = code;
    this.fields = fields;
    this.retryAfter = retryAfter;
  }
}

/** Every error the service answers with, in one place. */
export const errors = {
  invalid: (fields: FieldProblems) =>
    new AppError(400, "invalid_input", Object.values(fields).join(" ") || "The request is not valid.", { fields }),
  malformed: (message: string, cause?: unknown) => new AppError(400, "malformed_request", message, { cause }),
  followSelf: () =>
    new AppError(400, "cannot_follow_yourself", "You already see your own posts: follow somebody else."),
  signInFirst: () => new AppError(401, "not_signed_in", "Sign in first."),
  wrongPassword: () => new AppError(401, "wrong_credentials", "Name or password is wrong. Check both and try again."),
  crossSite: () =>
    new AppError(
      403,
      "cross_site_request",
      "This request came from another site and was refused. Use Chirp's own page.",
    ),
  notYourPost: () => new AppError(403, "not_your_post", "Only its author can delete a post."),
  noSuchUser: (name: string) => new AppError(404, "no_such_user", `There is no user named ${JSON.stringify(name)}.`),
  noSuchPost: () => new AppError(404, "no_such_post", "This post does not exist, or its author deleted it."),
  noSuchPath: (method: string, path: string) =>
    new AppError(404, "no_such_path", `${method} ${path} is not part of this API.`),
  nameTaken: (name: string) =>
    new AppError(409, "name_taken", `The name ${JSON.stringify(name)} is taken. Choose another.`, {
      fields: { name: "This name is taken. Choose another." },
    }),
  keyReused: () =>
    new AppError(409, "idempotency_key_reused", "This Idempotency-Key came with another request. Use a new key."),
  tooLarge: (limit: string) => new AppError(413, "body_too_large", `The request body is larger than ${limit}.`),
  notJson: () =>
    new AppError(415, "unsupported_media_type", "Send a JSON body with the header Content-Type: application/json."),
  tooManyAttempts: (retryAfter: number) =>
    new AppError(429, "too_many_attempts", `Too many attempts to sign in. Try again in ${waitInWords(retryAfter)}.`, {
      retryAfter,
    }),
  noPictures: () => new AppError(404, "no_pictures", "This Chirp has no pictures: it has no place to keep them yet."),
  noSuchUpload: (id: string) =>
    new AppError(
      400,
      "no_such_upload",
      `This picture (${id}) is not among your uploads of the last day. Upload it again.`,
    ),
  unsupportedPicture: (type: string, supported: readonly string[]) =>
    new AppError(415, "unsupported_picture", `A picture cannot be ${quote(type)}; it can be ${supported.join(", ")}.`),
  pictureTooLarge: (bytes: number, limit: number) =>
    new AppError(
      413,
      "picture_too_large",
      `This picture has ${inMegabytes(bytes)}; at most ${inMegabytes(limit)} are allowed. Make it smaller.`,
    ),
  pictureIsNotWhatItClaims: (claimed: string, found: string | undefined) =>
    new AppError(
      415,
      "picture_is_not_what_it_claims",
      `The upload claims to be ${claimed} and is ${found ?? "no picture that Chirp knows"}. It was removed.`,
    ),
  tooManyPictures: (retryAfter: number) =>
    new AppError(429, "too_many_pictures", `That is many pictures. Try again in ${waitInWords(retryAfter)}.`, {
      retryAfter,
    }),
  unavailable: (cause?: unknown) =>
    new AppError(503, "unavailable", "The service cannot reach its data just now. Try again in a moment.", {
      retryAfter: 1,
      cause,
    }),
  busy: () =>
    new AppError(503, "busy", "Too many people are signing in just now. Try again in a moment.", { retryAfter: 2 }),
  /** The store has been told that another store is the record now: nothing may be written here any more. */
  notTheRecord: (record: string) =>
    new AppError(503, "moving_house", "Chirp is moving its data. Nothing was changed; try again in a moment.", {
      retryAfter: 1,
      cause: new Error(`the store of record is ${JSON.stringify(record)}`),
    }),
};

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

function inMegabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toLocaleString("en", { maximumFractionDigits: 2 })} MB`;
}

function waitInWords(seconds: number): string {
  if (seconds < 90) return `${seconds} seconds`;
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} minutes` : `${Math.ceil(seconds / 3600)} hours`;
}
