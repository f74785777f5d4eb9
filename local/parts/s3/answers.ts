import type { OutgoingHttpHeaders } from "node:http";
import { AwsError } from "../../aws/errors.ts";
import type { StoredObject } from "../storage/objects.ts";

export interface Answer {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Buffer | string;
}

/** An error that S3 tells more about than its code and message. */
export class DetailedError extends AwsError {
  readonly details: Fields;

  constructor(code: string, message: string, details: Fields) {
    super(code, message);
    this.details = details;
  }
}

export function invalidArgument(name: string, value: string, message: string): DetailedError {
  return new DetailedError("InvalidArgument", message, { ArgumentName: name, ArgumentValue: value });
}

/** HTTP status of S3's errors; everything else is the client's fault in general. */
const statuses: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  AccessForbidden: 403,
  InvalidAccessKeyId: 403,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchVersion: 404,
  MethodNotAllowed: 405,
  BucketNotEmpty: 409,
  MissingContentLength: 411,
  PreconditionFailed: 412,
  InvalidRange: 416,
  InternalError: 500,
  NotImplemented: 501,
};

/** S3's answer to what went wrong. */
export function errorAnswer(error: unknown): Answer {
  const { code, message } =
    error instanceof AwsError ? error : { code: "InternalError", message: (error as Error).message };
  const headers = { "Content-Type": "application/xml" };
  const details = error instanceof DetailedError ? error.details : {};
  return { status: statuses[code] ?? 400, headers, body: xml("Error", { Code: code, Message: message, ...details }) };
}

/** A page of a bucket's objects, in the order of their keys. */
export function listing(bucket: string, objects: readonly StoredObject[], query: URLSearchParams): string {
  const prefix = query.get("prefix") ?? "";
  const after = query.get("continuation-token") ?? query.get("start-after") ?? "";
  const most = Math.min(Number(query.get("max-keys") ?? 1000), 1000);
  const left = objects.filter(({ key }) => key.startsWith(prefix) && key > after);
  const page = left.slice(0, most);
  const isTruncated = left.length > page.length;
  const contents = page.map(({ key, etag, size, modified }) =>
    element("Contents", { Key: key, LastModified: new Date(modified).toISOString(), ETag: `"${etag}"`, Size: size }),
  );
  const facts = { Name: bucket, Prefix: prefix, KeyCount: page.length, MaxKeys: most, IsTruncated: isTruncated };
  const next: Fields = isTruncated ? { NextContinuationToken: page.at(-1)?.key ?? "" } : {};
  return document("ListBucketResult", `${fields({ ...facts, ...next })}${contents.join("")}`);
}

type Fields = Readonly<Record<string, string | number | boolean>>;

export function xml(name: string, values: Fields): string {
  return document(name, fields(values));
}

function document(name: string, content: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${name}>${content}</${name}>`;
}

function element(name: string, values: Fields): string {
  return `<${name}>${fields(values)}</${name}>`;
}

function fields(values: Fields): string {
  return Object.entries(values)
    .map(([name, value]) => `<${name}>${escape(String(value))}</${name}>`)
    .join("");
}

function escape(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
