import type { OutgoingHttpHeaders } from "node:http";

/** A rule of a bucket's CORS configuration, as the resource has it. */
export interface CorsRule {
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: readonly string[];
  readonly allowedHeaders?: readonly string[];
  readonly exposeHeaders?: readonly string[];
  readonly maxAgeSeconds?: number;
}

/** What a browser asks for on behalf of a page of another origin. */
export interface CrossOriginRequest {
  readonly origin: string;
  readonly method: string;
  /** Headers that the page wants to send; lower case. */
  readonly headers: readonly string[];
}

/** The answer's headers by the first rule that allows the request; undefined when none does. */
export function corsHeaders(rules: readonly CorsRule[], request: CrossOriginRequest): OutgoingHttpHeaders | undefined {
  const rule = rules.find((rule) => allows(rule, request));
  if (!rule) return undefined;
  const isForAll = rule.allowedOrigins.includes("*");
  return {
    "Access-Control-Allow-Origin": isForAll ? "*" : request.origin,
    "Access-Control-Allow-Methods": rule.allowedMethods.join(", "),
    ...(request.headers.length > 0 ? { "Access-Control-Allow-Headers": request.headers.join(", ") } : {}),
    ...(rule.exposeHeaders?.length ? { "Access-Control-Expose-Headers": rule.exposeHeaders.join(", ") } : {}),
    ...(rule.maxAgeSeconds === undefined ? {} : { "Access-Control-Max-Age": rule.maxAgeSeconds }),
    ...(isForAll ? {} : { "Access-Control-Allow-Credentials": "true" }),
    Vary: "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
  };
}

function allows(rule: CorsRule, { origin, method, headers }: CrossOriginRequest): boolean {
  const { allowedOrigins, allowedMethods, allowedHeaders = [] } = rule;
  return (
    allowedOrigins.some((pattern) => matches(pattern, origin)) &&
    allowedMethods.includes(method) &&
    headers.every((header) => allowedHeaders.some((pattern) => matches(pattern.toLowerCase(), header)))
  );
}

/** S3 allows one `*` in a pattern, for any characters. */
function matches(pattern: string, value: string): boolean {
  const [start = "", end] = pattern.split("*");
  if (end === undefined) return pattern === value;
  return value.length >= start.length + end.length && value.startsWith(start) && value.endsWith(end);
}
