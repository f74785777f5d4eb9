import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { createScope, getCanonicalHeaders, getCanonicalQuery, getSigningKey } from "@smithy/signature-v4";
import { AwsError } from "../../aws/errors.ts";
import { Sha256 } from "./sha256.ts";

/** A request, as far as its signature is concerned. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, as they were sent. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** What a valid signature says. */
export interface Signature {
  readonly accessKeyId: string;
  /** Lower-case hex SHA-256 that the body must have; `UNSIGNED-PAYLOAD` for any body. */
  readonly payloadHash: string;
  /** Whether it was in the URL, given away by whoever signed it. */
  readonly isPresigned: boolean;
}

/** Signatures in headers hold for a quarter of an hour, as on AWS. */
const validity = 15 * 60 * 1000;
const longestPresigned = 7 * 24 * 60 * 60;
const unsigned = "UNSIGNED-PAYLOAD";

interface Claim {
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
  /** `20260131T235959Z` */
  readonly date: string;
  readonly payloadHash: string;
  readonly isPresigned: boolean;
}

/**
 * Checks a request's Signature Version 4 as S3 does, from a header or from a pre-signed URL. The parts of the algorithm
 * are the AWS SDK's own.
 *
 * @param secretOf the secret of an access key, undefined for one that does not exist
 * @returns undefined for a request without any signature
 * @throws AwsError with S3's code when the signature does not hold
 */
export async function checkSignature(
  request: SignedRequest,
  secretOf: (accessKeyId: string) => string | undefined,
  now = Date.now(),
): Promise<Signature | undefined> {
  const { pathname, query } = split(request.url);
  const claim = query["X-Amz-Signature"] ? claimInQuery(query, request, now) : claimInHeaders(request, now);
  if (!claim) return undefined;
  const { accessKeyId, scope, key } = await signingKey(claim, secretOf);
  const names = claim.signedHeaders.split(";");
  requireSigned(names, request, claim.isPresigned);
  const present = Object.fromEntries(names.map((name) => [name, String(request.headers[name] ?? "")]));
  const headers = getCanonicalHeaders(
    { method: request.method, protocol: "http:", hostname: "", path: pathname, headers: present },
    undefined,
    new Set(names),
  );
  const canonical = [
    request.method,
    pathname,
    getCanonicalQuery({ method: "", protocol: "", hostname: "", path: "", headers: {}, query }),
    ...names.map((name) => `${name}:${headers[name] ?? ""}`),
    "",
    claim.signedHeaders,
    claim.payloadHash,
  ].join("\n");
  const text = ["AWS4-HMAC-SHA256", claim.date, scope, sha256(canonical)].join("\n");
  requireSignature(claim.signature, text, key);
  return { accessKeyId, payloadHash: claim.payloadHash, isPresigned: claim.isPresigned };
}

/**
 * Checks the signature of a form: its policy, as it was sent, is all that is signed.
 *
 * @throws AwsError with S3's code when the signature does not hold
 */
export async function checkFormSignature(
  form: { readonly policy: string; readonly credential: string; readonly date: string; readonly signature: string },
  secretOf: (accessKeyId: string) => string | undefined,
): Promise<void> {
  // Refuses what is no date; how long the form holds is said in its policy.
  timeOf(form.date);
  const { key } = await signingKey(form, secretOf);
  requireSignature(form.signature, form.policy, key);
}

async function signingKey(
  { credential, date }: Pick<Claim, "credential" | "date">,
  secretOf: (accessKeyId: string) => string | undefined,
) {
  const [accessKeyId = "", day = "", region = "", service = "", end] = credential.split("/");
  if (service !== "s3" || end !== "aws4_request" || !/^\d{8}$/.test(day) || !date.startsWith(day))
    throw new AwsError("AuthorizationQueryParametersError", `The credential ${credential} is not one for S3.`);
  const secretAccessKey = secretOf(accessKeyId);
  if (secretAccessKey === undefined)
    throw new AwsError("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.");
  const key = await getSigningKey(Sha256, { accessKeyId, secretAccessKey }, day, region, service);
  return { accessKeyId, scope: createScope(day, region, service), key };
}

function requireSignature(signature: string, text: string, key: Uint8Array): void {
  const expected = createHmac("sha256", key).update(text).digest();
  const given = Buffer.from(signature, "hex");
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw new AwsError(
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    );
}

function claimInQuery(query: Record<string, string>, { headers }: SignedRequest, now: number): Claim {
  const { "X-Amz-Date": date = "", "X-Amz-Expires": expires = "" } = query;
  if (query["X-Amz-Algorithm"] !== "AWS4-HMAC-SHA256" || !/^\d+$/.test(expires) || Number(expires) > longestPresigned)
    throw new AwsError("AuthorizationQueryParametersError", "X-Amz-Algorithm and X-Amz-Expires must be as AWS says.");
  const signedAt = timeOf(date);
  if (signedAt > now + validity) throw new AwsError("AccessDenied", "Request is not valid yet");
  if (now > signedAt + Number(expires) * 1000) throw new AwsError("AccessDenied", "Request has expired");
  return {
    credential: query["X-Amz-Credential"] ?? "",
    signedHeaders: query["X-Amz-SignedHeaders"] ?? "",
    signature: query["X-Amz-Signature"] ?? "",
    date,
    payloadHash: query["X-Amz-Content-Sha256"] ?? String(headers["x-amz-content-sha256"] ?? unsigned),
    isPresigned: true,
  };
}

function claimInHeaders({ headers }: SignedRequest, now: number): Claim | undefined {
  const { authorization } = headers;
  if (authorization === undefined) return undefined;
  const match = /^AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)$/.exec(
    authorization,
  );
  if (!match) throw new AwsError("AuthorizationHeaderMalformed", "The authorization header is malformed.");
  const [, credential = "", signedHeaders = "", signature = ""] = match;
  const date = String(headers["x-amz-date"] ?? "");
  if (Math.abs(timeOf(date) - now) > validity)
    throw new AwsError(
      "RequestTimeTooSkewed",
      "The difference between the request time and the current time is too large.",
    );
  const payloadHash = String(headers["x-amz-content-sha256"] ?? unsigned);
  return { credential, signedHeaders, signature, date, payloadHash, isPresigned: false };
}

/** What a request says to S3 must be in its signature, or whoever carries it could add to it. */
function requireSigned(names: readonly string[], { headers }: SignedRequest, isPresigned: boolean): void {
  const unsignedOnes = Object.keys(headers).filter(
    (name) => (name === "host" || name.startsWith("x-amz-")) && !names.includes(name),
  );
  // The SDK leaves its own name out of its signatures; S3 does not mind.
  const offending = unsignedOnes.filter((name) => name !== "x-amz-user-agent" || isPresigned);
  if (offending.length > 0)
    throw new AwsError(
      "AccessDenied",
      `There were headers present in the request which were not signed: ${offending.join(", ")}`,
    );
}

function split(url: string): { pathname: string; query: Record<string, string> } {
  const at = url.indexOf("?");
  if (at < 0) return { pathname: url, query: {} };
  return { pathname: url.slice(0, at), query: Object.fromEntries(new URLSearchParams(url.slice(at + 1))) };
}

function timeOf(date: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (!match) throw new AwsError("AccessDenied", "The date of the signature is missing or malformed.");
  const [year = 0, month = 0, day = 0, hour, minute, second] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
