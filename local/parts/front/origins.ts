import { type Agent, type IncomingMessage, type OutgoingHttpHeaders, request as send } from "node:http";
import type { Properties } from "../../aws/record.ts";
import type { LocalAws } from "../../local-aws.ts";
import { loopback } from "../../process/ports.ts";
import { AwsError } from "../../aws/errors.ts";
import { described } from "../s3/metadata.ts";
import type { Answer } from "./cache.ts";

/** Where a distribution gets answers from, as its resource says it. */
export interface Origin {
  readonly originId: string;
  readonly domainName: string;
  readonly originAccessControlId?: string;
  readonly customOriginConfig?: { readonly httpPort?: number; readonly originReadTimeout?: number };
  readonly customHeaders?: readonly { readonly name: string; readonly value: string }[];
}

export function originNamed(inputs: Properties, id: string): Origin | undefined {
  return ((inputs.origins ?? []) as Origin[]).find(({ originId }) => originId === id);
}

/** A request on its way to a custom origin. */
export interface OriginRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: IncomingMessage;
}

/** Sends a request to a load balancer. Resolves with its answer's beginning. @throws when there is none */
export function askBalancer(
  aws: LocalAws,
  origin: Origin,
  { method, path, headers, body }: OriginRequest,
  agent: Agent,
): Promise<IncomingMessage> {
  const { httpPort = 80, originReadTimeout = 30 } = origin.customOriginConfig ?? {};
  const port = aws.places()[`${origin.domainName}:${httpPort}`];
  if (port === undefined) return Promise.reject(new Error(`nothing is at ${origin.domainName}:${httpPort}`));
  const own = Object.fromEntries((origin.customHeaders ?? []).map(({ name, value }) => [name.toLowerCase(), value]));
  return new Promise((resolve, reject) => {
    const upstream = send({
      host: loopback,
      port,
      method,
      path,
      agent,
      headers: { ...headers, ...own },
      setHost: false,
      timeout: originReadTimeout * 1000,
    });
    upstream.on("timeout", () => upstream.destroy(new Error("the origin did not answer in time")));
    upstream.on("error", reject);
    upstream.on("response", resolve);
    // Whoever leaves before the answer takes the request along.
    body.on("close", () => {
      if (!body.readableEnded) upstream.destroy();
    });
    body.pipe(upstream);
  });
}

/** Reads an object as the distribution, if the bucket's policy lets it. */
export function askBucket(aws: LocalAws, origin: Origin, distributionArn: string, path: string): Answer {
  const bucket = aws.registry
    .ofType("aws:s3/bucket:Bucket")
    .find(({ id }) => origin.domainName.startsWith(`${id}.s3.`))?.id;
  const key = keyIn(path);
  if (key === undefined) return refusal(400, "InvalidURI");
  if (!bucket || !mayRead(aws, { bucket, key, origin, distributionArn })) return refusal(403, "AccessDenied");
  try {
    const object = aws.objects.head(bucket, key);
    const headers = Object.entries(described(object)).map(
      ([name, value]) => [name.toLowerCase(), String(value)] as const,
    );
    return { status: 200, headers: Object.fromEntries(headers), body: aws.objects.read(bucket, object) };
  } catch (error) {
    // To whom may not list a bucket, S3 doesn't say what isn't there.
    if (error instanceof AwsError) return refusal(403, "AccessDenied");
    throw error;
  }
}

/** The key that a path names; undefined for one that is not well encoded. */
function keyIn(path: string): string | undefined {
  try {
    return decodeURIComponent(path.split("?")[0]?.slice(1) ?? "");
  } catch {
    return undefined;
  }
}

function refusal(status: number, code: string): Answer {
  return {
    status,
    headers: { "content-type": "application/xml", server: "AmazonS3" },
    body: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`),
  };
}

interface Reading {
  readonly bucket: string;
  readonly key: string;
  readonly origin: Origin;
  readonly distributionArn: string;
}

interface Statement {
  readonly Effect: string;
  readonly Principal: { readonly Service?: string } | string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: { readonly StringEquals?: Readonly<Record<string, string>> };
}

/** Whether the bucket's policy allows exactly this distribution, which has to sign, to read the object. */
function mayRead(aws: LocalAws, { bucket, key, origin, distributionArn }: Reading): boolean {
  const signs = aws.registry
    .ofType("aws:cloudfront/originAccessControl:OriginAccessControl")
    .some(({ id, inputs }) => id === origin.originAccessControlId && inputs.signingBehavior === "always");
  const policy = aws.registry.ofType("aws:s3/bucketPolicy:BucketPolicy").find(({ inputs }) => inputs.bucket === bucket)
    ?.inputs.policy;
  if (!signs || policy === undefined) return false;
  const statements = (JSON.parse(String(policy)) as { Statement: Statement[] }).Statement;
  return statements.some(
    ({ Effect, Principal, Action, Resource, Condition }) =>
      Effect === "Allow" &&
      typeof Principal === "object" &&
      Principal.Service === "cloudfront.amazonaws.com" &&
      [Action].flat().includes("s3:GetObject") &&
      [Resource].flat().some((resource) => covers(resource, `arn:aws:s3:::${bucket}/${key}`)) &&
      Condition?.StringEquals?.["AWS:SourceArn"] === distributionArn,
  );
}

function covers(pattern: string, arn: string): boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  return new RegExp(`^${escaped}$`).test(arn);
}
