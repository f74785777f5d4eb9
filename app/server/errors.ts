import type { ErrorRequestHandler } from "express";
import type { Logger } from "pino";
import { AppError, errors } from "../domain/errors.ts";

/** The one place where errors become answers. What is not meant for the client is logged and told as a plain 500. */
export function errorHandler(log: Logger): ErrorRequestHandler {
  return (error, request, response, next) => {
    const known = translate(error);
    if (!known) log.error({ err: error, method: request.method, path: request.path }, "request failed");
    else if (known.status >= 500)
      log.warn({ code: known.code, cause: describe(known.cause), path: request.path }, "request refused");
    // The answer is under way: all that is left is to cut it off.
    if (response.headersSent) return next(error);
    const { status, code, message, fields, retryAfter } =
      known ?? new AppError(500, "internal_error", "Something went wrong on our side. Try again in a moment.");
    if (retryAfter !== undefined) response.set("Retry-After", String(retryAfter));
    response.status(status).json({ error: { code, message, ...(fields ? { fields } : {}) } });
  };
}

/** Errors of the body parser and the router carry a `type` or a status of their own. */
function translate(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  const { type, status } = (error ?? {}) as { type?: unknown; status?: unknown };
  if (type === "entity.too.large") return errors.tooLarge("64 kB");
  if (type === "entity.parse.failed")
    return errors.malformed("The request body is not valid JSON: send one object.", error);
  if (type === "charset.unsupported" || type === "encoding.unsupported") return errors.notJson();
  if (status === 400) return errors.malformed("The request could not be read.", error);
  return undefined;
}

function describe(cause: unknown): string | undefined {
  return cause instanceof Error ? `${(cause as { code?: string }).code ?? cause.name}: ${cause.message}` : undefined;
}
