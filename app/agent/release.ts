/** Where a bundle is, and what it must hash to. */
export interface BundleAddress {
  readonly bucket: string;
  readonly key: string;
  /** Lower-case hex SHA-256 of the object. */
  readonly sha256: string;
}

/** What a server shall run: the release parameter's value. */
export interface Release {
  readonly agent: BundleAddress;
  readonly server: BundleAddress;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Reads a release parameter's value.
 * @throws Error that names what is missing
 */
export function parseRelease(text: string): Release {
  const value = JSON.parse(text) as { agent?: unknown; server?: unknown; env?: unknown };
  const env = value.env;
  if (typeof env !== "object" || env === null || !Object.values(env).every((entry) => typeof entry === "string"))
    throw new Error("the release has no env of strings");
  return { agent: bundleAddress(value.agent, "agent"), server: bundleAddress(value.server, "server"), env: { ...env } };
}

function bundleAddress(value: unknown, name: string): BundleAddress {
  const { bucket, key, sha256 } = (value ?? {}) as Record<string, unknown>;
  if (typeof bucket !== "string" || typeof key !== "string" || !/^[0-9a-f]{64}$/.test(String(sha256)))
    throw new Error(`the release's ${name} needs bucket, key and sha256`);
  return { bucket, key, sha256: String(sha256) };
}

/** Whether two releases run the same server in the same environment. */
export function sameServer(a: Release, b: Release): boolean {
  return a.server.sha256 === b.server.sha256 && sameEntries(a.env, b.env);
}

function sameEntries(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/** Whether a parameter name is pinned to one version (`/name:3`), so that there is nothing to follow. */
export function isPinned(name: string): boolean {
  return /:\d+$/.test(name);
}
