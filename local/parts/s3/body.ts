import type { IncomingMessage } from "node:http";
import { AwsError } from "../../aws/errors.ts";

/** Bytes. S3 takes 5 GB in one request; nothing here needs more than this. */
export const largestBody = 100 * 1024 * 1024;

/** @throws AwsError unless the request says how long its body is, and that is not too long. */
export function requireLength({ headers }: IncomingMessage): void {
  if (headers["content-length"] === undefined)
    throw new AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.");
  if (Number(headers["content-length"]) > largestBody)
    throw new AwsError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  requireLength(request);
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
