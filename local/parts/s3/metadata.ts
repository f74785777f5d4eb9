import { type OutgoingHttpHeaders, validateHeaderName, validateHeaderValue } from "node:http";
import { AwsError } from "../../aws/errors.ts";
import type { ObjectMetadata, StoredObject } from "../storage/objects.ts";
import { invalidArgument } from "./answers.ts";

const prefix = "x-amz-meta-";

/** Bytes of names and values together, as on AWS. */
const largestMetadata = 2048;

/**
 * What S3 keeps with an object and gives back.
 *
 * @param given an upload's headers, or the fields of a form; names in lower case
 * @throws AwsError when that can't be given back as headers
 */
export function keptOf(given: Readonly<Record<string, string | string[] | undefined>>): ObjectMetadata {
  const contentType = text(given, "content-type") ?? "binary/octet-stream";
  const cacheControl = text(given, "cache-control");
  const own = Object.keys(given).filter((name) => name.startsWith(prefix));
  const metadata = Object.fromEntries(own.map((name) => [name.slice(prefix.length), String(given[name] ?? "")]));
  own.forEach(requireName);
  const size = Buffer.byteLength(Object.entries(metadata).flat().join(""));
  if (size > largestMetadata)
    throw new AwsError("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size");
  return { contentType, cacheControl, ...(own.length > 0 ? { metadata } : {}) };
}

function text(given: Readonly<Record<string, string | string[] | undefined>>, name: string): string | undefined {
  const value = given[name];
  if (value === undefined) return undefined;
  try {
    validateHeaderValue(name, value as string);
  } catch {
    throw invalidArgument(name, String(value), "The value can't be sent as a header.");
  }
  return String(value);
}

function requireName(name: string): void {
  try {
    validateHeaderName(name);
  } catch {
    throw invalidArgument(name, name, "Metadata must be named like a header.");
  }
}

/** The headers that tell of an object. */
export function described(object: StoredObject): OutgoingHttpHeaders {
  const own = Object.entries(object.metadata ?? {}).map(([name, value]) => [`${prefix}${name}`, printable(value)]);
  return {
    ETag: `"${object.etag}"`,
    "Content-Type": object.contentType,
    "Content-Length": object.size,
    ...(object.cacheControl === undefined ? {} : { "Cache-Control": object.cacheControl }),
    ...(Object.fromEntries(own) as OutgoingHttpHeaders),
    "Last-Modified": new Date(object.modified).toUTCString(),
    ...versionOf(object),
  };
}

/** Headers are ASCII: S3 writes whatever else metadata may hold as RFC 2047 does. */
function printable(value: string): string {
  return /^[\x20-\x7e]*$/.test(value) ? value : `=?UTF-8?B?${Buffer.from(value).toString("base64")}?=`;
}

export function versionOf({ versionId }: StoredObject): OutgoingHttpHeaders {
  return versionId === "null" ? {} : { "x-amz-version-id": versionId };
}
