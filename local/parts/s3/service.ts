import { createHash } from "node:crypto";
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { AwsError } from "../../aws/errors.ts";
import type { Objects } from "../storage/objects.ts";
import { type CorsRule, corsHeaders } from "./cors.ts";
import { type Answer, errorAnswer, listing, xml } from "./answers.ts";
import { readBody } from "./body.ts";
import { described, keptOf, versionOf } from "./metadata.ts";
import { postObject } from "./post.ts";
import { checkSignature, type Signature } from "./signature.ts";

/** A bucket's settings, from the resources beside it. */
export interface BucketSettings {
  readonly isVersioned: boolean;
  readonly cors: readonly CorsRule[];
}

export interface S3Options {
  readonly objects: Objects;
  /** Undefined for a bucket that isn't there. */
  readonly settings: (bucket: string) => BucketSettings | undefined;
  readonly secretOf: (accessKeyId: string) => string | undefined;
  /**
   * An origin as the program knows it: on this machine people's pages come from another port than on AWS.
   * @default the origin itself
   */
  readonly publicOrigin?: (origin: string) => string;
}

interface Target {
  readonly bucket: string;
  readonly key: string;
  readonly settings: BucketSettings;
}

/** S3's API over HTTP, path style: objects one by one, listings, forms and preflights of browsers. */
export class S3 {
  readonly #options: S3Options;

  constructor(options: S3Options) {
    this.#options = options;
  }

  /** Answers a request; never throws. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let headers: OutgoingHttpHeaders = {};
    try {
      const target = this.#target(request.url ?? "/");
      headers = this.#corsHeaders(request, target) ?? {};
      const answer = await this.#answer(request, target, headers);
      send(request, response, { ...answer, headers: { ...headers, ...answer.headers } });
    } catch (error) {
      const answer = errorAnswer(error);
      send(request, response, { ...answer, headers: { ...headers, ...answer.headers } });
    }
  }

  async #answer(request: IncomingMessage, target: Target, headers: OutgoingHttpHeaders): Promise<Answer> {
    if (request.method === "OPTIONS") return this.#preflight(headers);
    // A browser's form proves itself by what is in it; other operations of a bucket's own have a query.
    if (request.method === "POST" && target.key === "" && !request.url?.includes("?"))
      return postObject(request, { ...this.#options, bucket: target.bucket, ...target.settings });
    return this.#signed(request, target);
  }

  #target(url: string): Target {
    const [path = "/"] = url.split("?");
    const [, bucket = "", ...rest] = path.split("/");
    const settings = this.#options.settings(bucket);
    if (!settings) throw new AwsError("NoSuchBucket", `The specified bucket does not exist: ${bucket}`);
    return { bucket, key: decoded(rest.join("/")), settings };
  }

  async #signed(request: IncomingMessage, target: Target): Promise<Answer> {
    const signature = await checkSignature(
      { method: request.method ?? "", url: request.url ?? "", headers: request.headers },
      this.#options.secretOf,
    );
    // Everything is private: whoever has not signed is nobody.
    if (!signature) throw new AwsError("AccessDenied", "Access Denied");
    if (target.key === "") return this.#list(request, target);
    switch (request.method) {
      case "GET":
      case "HEAD":
        return this.#get(request, target);
      case "PUT":
        return request.headers["x-amz-copy-source"] === undefined
          ? this.#put(request, target, signature)
          : this.#copy(request, target);
      case "DELETE":
        this.#options.objects.remove(target.bucket, target.key, target.settings.isVersioned);
        return { status: 204 };
      default:
        throw new AwsError("MethodNotAllowed", "The specified method is not allowed against this resource.");
    }
  }

  #get({ headers, url = "" }: IncomingMessage, { bucket, key }: Target): Answer {
    const versionId = new URL(url, "http://s3").searchParams.get("versionId") ?? undefined;
    const object = this.#options.objects.head(bucket, key, versionId);
    const tag = `"${object.etag}"`;
    const common = { ...described(object), "Accept-Ranges": "bytes" };
    if (headers["if-match"] !== undefined && !lists(headers["if-match"], tag)) throw preconditionFailed("If-Match");
    if (headers["if-none-match"] !== undefined && lists(headers["if-none-match"], tag))
      return { status: 304, headers: common };
    const body = this.#options.objects.read(bucket, object);
    const range = headers.range === undefined ? undefined : parseRange(headers.range, body.length);
    if (!range) return { status: 200, headers: common, body };
    const [from, to] = range;
    const part = { "Content-Range": `bytes ${from}-${to}/${body.length}` };
    return { status: 206, headers: { ...common, ...part }, body: body.subarray(from, to + 1) };
  }

  async #put(request: IncomingMessage, { bucket, key, settings }: Target, signature: Signature): Promise<Answer> {
    const body = await readBody(request);
    if (/^[0-9a-f]{64}$/.test(signature.payloadHash)) {
      const hash = createHash("sha256").update(body).digest("hex");
      if (hash !== signature.payloadHash)
        throw new AwsError(
          "XAmzContentSHA256Mismatch",
          "The provided 'x-amz-content-sha256' does not match what was computed.",
        );
    } else if (signature.payloadHash !== "UNSIGNED-PAYLOAD")
      throw new AwsError("NotImplemented", `The local S3 takes no ${signature.payloadHash} uploads.`);
    // Looked at when the body is there, and stored in the same turn: of two uploads at once only one finds it free.
    this.#requireFree(request, bucket, key);
    const stored = this.#options.objects.put(bucket, key, body, keptOf(request.headers), settings.isVersioned);
    return { status: 200, headers: { ETag: `"${stored.etag}"`, ...versionOf(stored) } };
  }

  #requireFree({ headers }: IncomingMessage, bucket: string, key: string): void {
    const condition = headers["if-none-match"];
    if (condition === undefined) return;
    if (condition !== "*") throw new AwsError("NotImplemented", "If-None-Match of an upload can only be *.");
    if (this.#options.objects.has(bucket, key)) throw preconditionFailed("If-None-Match");
  }

  #copy(request: IncomingMessage, { bucket, key, settings }: Target): Answer {
    const { objects } = this.#options;
    if (request.headers["if-none-match"] !== undefined)
      throw new AwsError("NotImplemented", "If-None-Match is not honoured for a copy here, only for an upload.");
    const source = decodeURIComponent(String(request.headers["x-amz-copy-source"])).replace(/^\//, "");
    const at = source.indexOf("/");
    const [fromBucket, fromKey] = [source.slice(0, at), source.slice(at + 1)];
    const object = objects.head(fromBucket, fromKey);
    const condition = request.headers["x-amz-copy-source-if-match"];
    if (condition !== undefined && !lists(String(condition), `"${object.etag}"`))
      throw preconditionFailed("x-amz-copy-source-If-Match");
    const isReplacing = request.headers["x-amz-metadata-directive"] === "REPLACE";
    const kept = isReplacing ? keptOf(request.headers) : object;
    const stored = objects.put(bucket, key, objects.read(fromBucket, object), kept, settings.isVersioned);
    const result = { ETag: `"${stored.etag}"`, LastModified: new Date(stored.modified).toISOString() };
    return {
      status: 200,
      headers: { "Content-Type": "application/xml", ...versionOf(stored) },
      body: xml("CopyObjectResult", result),
    };
  }

  #list({ method, url = "" }: IncomingMessage, { bucket }: Target): Answer {
    if (method === "HEAD") return { status: 200 };
    const query = new URL(url, "http://s3").searchParams;
    if (method !== "GET" || query.get("list-type") !== "2")
      throw new AwsError(
        "NotImplemented",
        "The local S3 lists objects by version 2 of ListObjects, and does no more with buckets.",
      );
    const body = listing(bucket, this.#options.objects.list(bucket), query);
    return { status: 200, headers: { "Content-Type": "application/xml" }, body };
  }

  #preflight(headers: OutgoingHttpHeaders): Answer {
    if (headers["Access-Control-Allow-Origin"] !== undefined) return { status: 200 };
    throw new AwsError("AccessForbidden", "CORSResponse: This CORS request is not allowed.");
  }

  #corsHeaders({ headers, method = "" }: IncomingMessage, { settings }: Target): OutgoingHttpHeaders | undefined {
    const { origin } = headers;
    if (origin === undefined) return undefined;
    const { publicOrigin = (own: string) => own } = this.#options;
    const asked = String(headers["access-control-request-headers"] ?? "");
    const isPreflight = method === "OPTIONS";
    const found = corsHeaders(settings.cors, {
      origin: publicOrigin(origin),
      method: isPreflight ? String(headers["access-control-request-method"]) : method,
      headers: isPreflight
        ? asked
            .toLowerCase()
            .split(",")
            .map((name) => name.trim())
            .filter(Boolean)
        : [],
    });
    if (found?.["Access-Control-Allow-Origin"] && found["Access-Control-Allow-Origin"] !== "*")
      found["Access-Control-Allow-Origin"] = origin;
    return found;
  }
}

function send(request: IncomingMessage, response: ServerResponse, { status, headers, body }: Answer): void {
  // What is left of a refused upload is read and dropped, or the client would never hear why.
  request.resume();
  if (response.destroyed) return;
  const length = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
  response.writeHead(status, { Server: "AmazonS3", ...headers, ...length });
  response.end(request.method === "HEAD" ? undefined : body);
}

function preconditionFailed(condition: string): AwsError {
  return new AwsError(
    "PreconditionFailed",
    `At least one of the pre-conditions you specified did not hold: ${condition}`,
  );
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    throw new AwsError("InvalidURI", "Couldn't parse the specified URI.");
  }
}

/** Whether a condition's list of tags has this one. */
export function lists(header: string, tag: string): boolean {
  return header === "*" || header.split(",").some((each) => each.trim().replace(/^W\//, "") === tag);
}

/** First and last byte of a single range; undefined for a header that S3 ignores. */
export function parseRange(header: string, length: number): [number, number] | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim());
  if (!match || (match[1] === "" && match[2] === "")) return undefined;
  const [, from = "", to = ""] = match;
  if (from !== "" && to !== "" && Number(to) < Number(from)) return undefined;
  const first = from === "" ? Math.max(0, length - Number(to)) : Number(from);
  const last = from === "" || to === "" ? length - 1 : Math.min(Number(to), length - 1);
  if (first > last) throw new AwsError("InvalidRange", "The requested range is not satisfiable");
  return [first, last];
}
