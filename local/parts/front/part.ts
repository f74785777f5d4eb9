import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { AwsError } from "../../aws/errors.ts";
import { lists, parseRange } from "../s3/service.ts";
import type { Answer } from "./cache.ts";

/** What of an answer goes to a viewer. */
export interface Part {
  readonly status: number;
  readonly body: Buffer;
  /** In addition to the answer's own, or in their place. */
  readonly headers: OutgoingHttpHeaders;
}

/** The whole answer, the part that was asked for, or only that the viewer's own copy still holds. */
export function partOf({ status, headers, body }: Answer, asked: IncomingHttpHeaders): Part {
  const whole = { status, body, headers: { "content-length": body.length } };
  if (status !== 200) return whole;
  // A 304 tells no length: it would be taken for that of the copy.
  if (holds(headers, asked)) return { status: 304, body: Buffer.alloc(0), headers: { "content-length": undefined } };
  if (asked.range === undefined || (asked["if-range"] !== undefined && asked["if-range"] !== headers.etag))
    return whole;
  try {
    const range = parseRange(asked.range, body.length);
    if (!range) return whole;
    const part = body.subarray(range[0], range[1] + 1);
    const place = `bytes ${range[0]}-${range[1]}/${body.length}`;
    return { status: 206, body: part, headers: { "content-length": part.length, "content-range": place } };
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const place = `bytes */${body.length}`;
    return { status: 416, body: Buffer.alloc(0), headers: { "content-length": 0, "content-range": place } };
  }
}

/** Whether the viewer's copy is still the right one. Dates count only where no tag is given (RFC 9110, 13.2.2). */
function holds(headers: IncomingHttpHeaders, asked: IncomingHttpHeaders): boolean {
  const { "if-none-match": tags, "if-modified-since": since } = asked;
  if (tags !== undefined) return lists(tags, String(headers.etag));
  return since !== undefined && Date.parse(since) >= Date.parse(headers["last-modified"] ?? "");
}
