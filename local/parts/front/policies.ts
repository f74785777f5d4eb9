import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { Properties } from "../../aws/record.ts";
import type { Registry } from "../../aws/registry.ts";
import type { Failure } from "../../aws/resource-type.ts";
import type { Lifetimes } from "./cache.ts";

/** Amazon's own cache policies, by their ids, which are the same in every account. */
const managedCachePolicies: Readonly<Record<string, Lifetimes>> = {
  // Managed-CachingDisabled
  "4135ea2d-6df8-44a3-9df3-4b5a84be39ad": { least: 0, usual: 0, most: 0 },
  // Managed-CachingOptimized
  "658327ea-f89d-4fab-a63d-7e88639e58f6": { least: 1, usual: 86_400, most: 31_536_000 },
};

const allViewer = "216adef6-5c7f-47e4-b989-5492eafa07d3";

/** A way of a distribution: which paths it serves, and how. */
export interface Behavior {
  /** Undefined for the default one. */
  readonly pathPattern: string | undefined;
  readonly targetOriginId: string;
  readonly allowedMethods: readonly string[];
  readonly cachePolicyId: string;
  readonly originRequestPolicyId: string | undefined;
  readonly responseHeadersPolicyId: string | undefined;
}

/** The behaviors of a distribution in the order in which they are tried. */
export function behaviorsOf(inputs: Properties): Behavior[] {
  const ordered = (inputs.orderedCacheBehaviors ?? []) as Behavior[];
  return [...ordered, { ...(inputs.defaultCacheBehavior as Behavior), pathPattern: undefined }];
}

/** The first behavior whose pattern fits the path; the default one fits every path. */
export function behaviorFor(inputs: Properties, path: string): Behavior {
  const behaviors = behaviorsOf(inputs);
  const found = behaviors.find(({ pathPattern }) => pathPattern === undefined || fits(pathPattern, path));
  return found as Behavior;
}

/** `*` stands for any characters, `?` for one; a leading slash is optional. */
function fits(pattern: string, path: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^/?${escaped.replace(/^\//, "").replaceAll("*", ".*").replaceAll("?", ".")}$`).test(path);
}

export function lifetimesOf({ cachePolicyId }: Behavior): Lifetimes {
  return managedCachePolicies[cachePolicyId] as Lifetimes;
}

/** What CloudFront itself can tell an origin of its viewer. */
export interface ViewerFacts {
  /** Address and port. */
  readonly address: string;
  readonly protocol: "http" | "https";
}

/** A viewer's headers as they go on to a custom origin, by the behavior's origin request policy. */
export function originHeaders(
  registry: Registry,
  { originRequestPolicyId }: Behavior,
  headers: IncomingHttpHeaders,
  viewer: ViewerFacts,
): OutgoingHttpHeaders {
  const policy = registry.byId("aws:cloudfront/originRequestPolicy:OriginRequestPolicy", originRequestPolicyId);
  const { headerBehavior, headers: listed } = (policy?.inputs.headersConfig ?? {}) as Properties;
  const isAll = originRequestPolicyId === allViewer || String(headerBehavior).startsWith("allViewer");
  const told: Record<string, string> = {
    "cloudfront-forwarded-proto": viewer.protocol,
    "cloudfront-viewer-address": viewer.address,
  };
  const wanted = (((listed as Properties | undefined)?.items ?? []) as string[]).map((name) => name.toLowerCase());
  const added = Object.fromEntries(wanted.filter((name) => told[name] !== undefined).map((name) => [name, told[name]]));
  // What only CloudFront can say is never taken from a viewer.
  const own = Object.entries(headers).filter(([name]) => !name.startsWith("cloudfront-"));
  return { ...(isAll ? Object.fromEntries(own) : {}), ...added };
}

/** Headers that a response headers policy sets, with whether they win over the origin's. */
export function policyHeaders(
  registry: Registry,
  { responseHeadersPolicyId }: Behavior,
): [name: string, value: string, wins: boolean][] {
  const policy = registry.byId("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy", responseHeadersPolicyId);
  const security = (policy?.inputs.securityHeadersConfig ?? {}) as Record<string, Properties | undefined>;
  const custom = ((policy?.inputs.customHeadersConfig as Properties | undefined)?.items ?? []) as Properties[];
  const { contentTypeOptions, contentSecurityPolicy, frameOptions, referrerPolicy, strictTransportSecurity } = security;
  const set = (name: string, from: Properties | undefined, value: unknown) =>
    from ? [[name, String(value), from.override === true] as [string, string, boolean]] : [];
  return [
    ...set("x-content-type-options", contentTypeOptions, "nosniff"),
    ...set("content-security-policy", contentSecurityPolicy, contentSecurityPolicy?.contentSecurityPolicy),
    ...set("x-frame-options", frameOptions, frameOptions?.frameOption),
    ...set("referrer-policy", referrerPolicy, referrerPolicy?.referrerPolicy),
    ...set(
      "strict-transport-security",
      strictTransportSecurity,
      `max-age=${String(strictTransportSecurity?.accessControlMaxAgeSec)}`,
    ),
    ...custom.map(({ header, value, override }): [string, string, boolean] => [
      String(header).toLowerCase(),
      String(value),
      override === true,
    ]),
  ];
}

/** What of a distribution the local front would not do. */
export function unservedBehaviors(inputs: Properties): Failure[] {
  if (!inputs.defaultCacheBehavior) return [];
  return behaviorsOf(inputs)
    .filter(({ cachePolicyId }) => managedCachePolicies[cachePolicyId] === undefined)
    .map(({ pathPattern = "the default", cachePolicyId }) => ({
      property: "orderedCacheBehaviors",
      reason:
        `the behavior of ${pathPattern} has cache policy ${cachePolicyId}; the local front knows Managed-CachingDisabled ` +
        "and Managed-CachingOptimized: add others to local/parts/front/policies.ts",
    }));
}
