import { AwsError } from "../../aws/errors.ts";
import type { Properties, ResourceRecord } from "../../aws/record.ts";
import type { Registry } from "../../aws/registry.ts";
import type { Part } from "../../aws/resource-type.ts";
import type { LocalAws } from "../../local-aws.ts";
import { readAsset } from "../../provider/values.ts";

/** A version of an SSM parameter. AWS keeps the last hundred. */
export interface ParameterVersion {
  readonly version: number;
  readonly value: string;
  /** Seconds since 1970. */
  readonly modified: number;
}

const keptVersions = 100;

export function parameterVersions({ state }: ResourceRecord): ParameterVersion[] {
  return (state.versions ?? []) as ParameterVersion[];
}

function valueOf({ value, insecureValue }: Properties): string {
  return String(value ?? insecureValue);
}

function addVersion(record: ResourceRecord, aws: LocalAws): void {
  const versions = parameterVersions(record);
  const next = {
    version: (versions.at(-1)?.version ?? 0) + 1,
    value: valueOf(record.inputs),
    modified: Date.now() / 1000,
  };
  record.state.versions = [...versions, next].slice(-keptVersions);
  aws.registry.save(record);
}

export const parameter: Part = {
  create: (record, aws) => {
    if (parameterVersions(record).at(-1)?.value !== valueOf(record.inputs)) addVersion(record, aws);
  },
  update: (record, before, aws) => {
    if (valueOf(before) !== valueOf(record.inputs)) addVersion(record, aws);
  },
};

export const bucket: Part = {
  create: (record, aws) => aws.objects.createBucket(record.id),
  delete: (record, aws) => aws.objects.deleteBucket(record.id, record.inputs.forceDestroy === true),
  exists: (record, aws) => aws.objects.hasBucket(record.id),
};

async function storeObject(record: ResourceRecord, aws: LocalAws): Promise<void> {
  const {
    bucket,
    key,
    content,
    contentBase64,
    source,
    contentType = "binary/octet-stream",
    cacheControl,
  } = record.inputs;
  if (!aws.objects.hasBucket(String(bucket)))
    throw new AwsError("NoSuchBucket", `The specified bucket does not exist: ${bucket}`);
  const body =
    content !== undefined
      ? Buffer.from(String(content))
      : contentBase64 !== undefined
        ? Buffer.from(String(contentBase64), "base64")
        : source !== undefined
          ? await readAsset(source)
          : Buffer.alloc(0);
  const metadata = { contentType: String(contentType), cacheControl: cacheControl as string | undefined };
  const stored = aws.objects.put(
    String(bucket),
    String(key),
    body,
    metadata,
    isVersioned(aws.registry, String(bucket)),
  );
  record.state = { etag: stored.etag, versionId: stored.versionId, contentType: stored.contentType };
  aws.registry.save(record);
}

/** Whether a bucket keeps older versions of its objects. */
export function isVersioned(registry: Registry, bucket: string): boolean {
  return registry
    .ofType("aws:s3/bucketVersioning:BucketVersioning")
    .filter(({ inputs }) => inputs.bucket === bucket)
    .some(({ inputs }) => (inputs.versioningConfiguration as { status?: string } | undefined)?.status === "Enabled");
}

const contentInputs = ["content", "contentBase64", "source", "sourceHash", "etag", "contentType", "cacheControl"];

export const bucketObject: Part = {
  create: storeObject,
  update: (record, before, aws) => {
    const changed = contentInputs.some(
      (input) => JSON.stringify(before[input]) !== JSON.stringify(record.inputs[input]),
    );
    return changed ? storeObject(record, aws) : undefined;
  },
  delete: ({ inputs }, aws) => aws.objects.delete(String(inputs.bucket), String(inputs.key)),
};

export const secret: Part = {
  create: (record, aws) => aws.secrets.create(record.id, String(record.inputs.name)),
  delete: (record, aws) => aws.secrets.delete(record.id),
};

export const secretVersion: Part = {
  create: (record, aws) => {
    const { secretId, secretString } = record.inputs;
    aws.secrets.put(String(secretId), String(secretString), record.id.split("|")[1]);
  },
};
