import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Properties } from "../aws/record.ts";

/** Stands for a value that a preview cannot know. */
export const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const signatureKey = "4dabf18193072939515e22adb298388d";
const signatures = {
  asset: "c44067f5952c0a294b673a41bacd8c17",
  archive: "0def7320c3a5731c473e5ecbe6d01bc7",
  secret: "1b47061264138c4ac30d75fd1eb44270",
  reference: "5cf8f73096256a8f31e491e813e4eb8e",
  output: "d0e6a833031e9bbcd3f4e8bde6ca49a4",
};

/** A reference to a resource, which the program receives as the resource itself. */
export function reference(urn: string, id: string): Properties {
  return { [signatureKey]: signatures.reference, urn, id };
}

/** Takes the engine's wrapping off secrets and outputs. An output whose value is not known becomes `unknown`. */
export function unwrap(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrap);
  if (!isObject(value)) return value;
  const signature = value[signatureKey];
  if (signature === signatures.secret) return unwrap(value.value);
  if (signature === signatures.output) return "value" in value ? unwrap(value.value) : unknown;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unwrap(inner)]));
}

/** Whether the value is, or holds, something that is not known yet. */
export function isUnknown(value: unknown): boolean {
  if (value === unknown) return true;
  if (Array.isArray(value)) return value.some(isUnknown);
  return isObject(value) && Object.values(value).some(isUnknown);
}

/** Whether two inputs mean the same; assets are compared by their content. */
export function isEqual(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(comparable(a), comparable(b));
}

function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (!isObject(value)) return value;
  if (value[signatureKey] === signatures.asset || value[signatureKey] === signatures.archive)
    return { hash: value.hash ?? hashOf(value) };
  const known = Object.entries(value).filter(([, inner]) => inner !== undefined && inner !== null);
  return Object.fromEntries(known.map(([key, inner]) => [key, comparable(inner)]));
}

function hashOf({ hash: _, ...asset }: Properties): string {
  return createHash("sha256").update(JSON.stringify(asset)).digest("hex");
}

/** The bytes of an asset. */
export async function readAsset(value: unknown): Promise<Buffer> {
  if (!isObject(value) || value[signatureKey] !== signatures.asset)
    throw new Error(`Expected an asset, not ${JSON.stringify(value)?.slice(0, 80)}`);
  if (typeof value.text === "string") return Buffer.from(value.text);
  if (typeof value.path === "string" && isAbsolute(value.path)) return readFile(value.path);
  throw new Error(
    `The local AWS reads assets of text, or files by an absolute path, not ${JSON.stringify(value.path ?? value.uri)}: ` +
      "use pulumi.asset.StringAsset, or path.resolve() the file",
  );
}

/** The files of an archive, by their path in it. */
export async function readArchive(value: unknown): Promise<Map<string, Buffer>> {
  if (!isObject(value) || value[signatureKey] !== signatures.archive || !isObject(value.assets))
    throw new Error("The local AWS reads archives made of assets: use pulumi.asset.AssetArchive");
  const files = Object.entries(value.assets).map(async ([path, asset]) => [path, await readAsset(asset)] as const);
  return new Map(await Promise.all(files));
}

export function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
