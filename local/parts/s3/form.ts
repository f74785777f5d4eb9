import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { Busboy, type BusboyInstance } from "@fastify/busboy";
import { AwsError } from "../../aws/errors.ts";
import { DetailedError, invalidArgument } from "./answers.ts";

/** A browser's form that has been read up to its file. */
export interface Form {
  /** What came before the file, by names in lower case. */
  readonly fields: Map<string, string>;
  /** The file's name without any path, empty when the browser gave none. */
  readonly fileName: string;
  readonly file: Readable;
  /** Settles when the form has been read to its end, which the file's own end does not yet say. */
  readonly finished: Promise<void>;
  /** Stops reading, so that the rest of the request can be dropped. */
  abandon(): void;
}

/** Bytes of everything before the file, as on AWS. */
const largestFields = 20 * 1024;

/**
 * Reads a form's fields.
 *
 * @throws AwsError with S3's code for what is no form, or one without a file
 */
export async function openForm(request: IncomingMessage): Promise<Form> {
  const parser = parserFor(request);
  const fields = new Map<string, string>();
  const start = Promise.withResolvers<Pick<Form, "file" | "fileName">>();
  const end = Promise.withResolvers<void>();
  const abandon = () => void request.unpipe(parser);
  const fail = (error: Error) => {
    start.reject(error);
    end.reject(error);
  };
  // Whoever reads the file hears of it there; nobody may be waiting for the end yet.
  end.promise.catch(() => undefined);

  let room = largestFields;
  let hasFile = false;
  parser.on("field", (name: string | undefined, value, _isNameCut, isCut) => {
    // S3 ignores what comes after the file.
    if (hasFile || name === undefined) return;
    room -= Buffer.byteLength(name) + Buffer.byteLength(value);
    if (isCut || room < 0) return fail(fieldsTooLong());
    // Of two values one could meet the policy and the other be used.
    if (fields.has(name.toLowerCase())) return fail(invalidArgument(name, value, `The form has two fields ${name}.`));
    fields.set(name.toLowerCase(), value);
  });
  parser.on("file", (_name, file, fileName: string | undefined) => {
    file.on("error", () => fail(malformed()));
    if (hasFile) return void file.resume();
    hasFile = true;
    end.promise.catch((error: Error) => file.destroy(error));
    start.resolve({ file, fileName: fileName ?? "" });
  });
  parser.on("finish", () => {
    start.reject(invalidArgument("file", "0", "POST requires exactly one file upload per request."));
    end.resolve();
  });
  parser.on("error", () => fail(malformed()));
  request.on("close", () => {
    if (!request.complete) fail(malformed());
  });
  request.pipe(parser);
  try {
    return { fields, ...(await start.promise), finished: end.promise, abandon };
  } catch (error) {
    abandon();
    throw error;
  }
}

function parserFor({ headers }: IncomingMessage): BusboyInstance {
  const type = headers["content-type"] ?? "";
  if (!/^multipart\/form-data\b/i.test(type))
    throw new DetailedError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", {
      Condition: "Bucket POST must be of the enclosure-type multipart/form-data",
    });
  try {
    return new Busboy({
      headers: { ...headers, "content-type": type },
      limits: { fieldSize: largestFields },
      // By its name alone: S3 also takes a text of that name for the file.
      isPartAFile: (name) => name?.toLowerCase() === "file",
    });
  } catch {
    throw malformed();
  }
}

function malformed(): AwsError {
  return new AwsError("MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.");
}

function fieldsTooLong(): AwsError {
  return new AwsError(
    "MaxPostPreDataLengthExceededError",
    "Your POST request fields preceding the upload file were too large.",
  );
}
