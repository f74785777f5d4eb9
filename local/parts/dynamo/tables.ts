import { isDeepStrictEqual } from "node:util";
import { AwsError } from "../../aws/errors.ts";
import type { Properties, ResourceRecord } from "../../aws/record.ts";
import { arn, type Failure, type Part, regionOf, type ResourceType } from "../../aws/resource-type.ts";
import type { LocalAws } from "../../local-aws.ts";
import { unknown } from "../../provider/values.ts";

export const tableType = "aws:dynamodb/table:Table";

/** A table as the API describes it, as far as it is looked at. */
interface Description {
  readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: string }[];
  readonly LatestStreamArn?: string;
  readonly LatestStreamLabel?: string;
  readonly StreamSpecification?: { readonly StreamEnabled: boolean };
}

/** What a table keeps beside its inputs. */
interface TableState {
  /** The stream as the emulator knows it: its ARNs have no region and no account. */
  emulatorStream?: string;
  streamLabel?: string;
}

const stateOf = ({ state }: ResourceRecord) => state as TableState;

/** Facts of DynamoDB tables. */
export const tableFacts: Omit<ResourceType, "part"> = {
  required: ["attributes", "hashKey"],
  unserved: [
    "globalSecondaryIndexes",
    "globalTableWitness",
    "importTable",
    "localSecondaryIndexes",
    "onDemandThroughput",
    "replicas",
    "restoreDateTime",
    "restoreSourceName",
    "restoreSourceTableArn",
    "restoreToLatestTime",
  ],
  naming: { property: "name", maxLength: 255, taken: "ResourceInUseException" },
  id: ({ inputs }) => String(inputs.name),
  check: failuresIn,
  renews: (changed) =>
    changed.includes("streamEnabled") || changed.includes("streamViewType") ? ["streamArn", "streamLabel"] : [],
  defaults: { billingMode: "PROVISIONED", tableClass: "STANDARD", deletionProtectionEnabled: false },
  outputs: (record, context) => {
    const own = arn(regionOf(record, context), "dynamodb", `table/${record.id}`);
    const { streamLabel = "" } = stateOf(record);
    return { arn: own, streamArn: streamLabel && `${own}/stream/${streamLabel}`, streamLabel };
  },
};

function isCooler(before: unknown, after: unknown): boolean {
  const [was, is] = [(before ?? {}) as Properties, (after ?? {}) as Properties];
  return ["readUnitsPerSecond", "writeUnitsPerSecond"].some(
    (units) => is[units] !== undefined && Number(is[units]) < Number(was[units] ?? 0),
  );
}

function failuresIn(inputs: Properties): Failure[] {
  const { attributes, hashKey, rangeKey, streamEnabled, streamViewType, billingMode = "PROVISIONED" } = inputs;
  const failures: Failure[] = [];
  const keys: unknown[] = [hashKey, rangeKey].filter((key) => key !== undefined);
  const given = Array.isArray(attributes) ? (attributes as Properties[]).map(({ name }) => name) : [];
  if (Array.isArray(attributes) && ![...given, ...keys].some((name) => name === unknown)) {
    const unused = given.filter((name) => !keys.includes(name));
    const missing = keys.filter((key) => !given.includes(key));
    if (unused.length > 0)
      failures.push({
        property: "attributes",
        reason: `all attributes must be indexed. Unused attributes: ${unused.join(", ")}`,
      });
    if (missing.length > 0)
      failures.push({ property: "attributes", reason: `the type of ${missing.join(", ")} is not given` });
  }
  if (streamEnabled === true && streamViewType === undefined)
    failures.push({ property: "streamViewType", reason: "is required when streamEnabled is true" });
  if (billingMode === "PROVISIONED" && !(Number(inputs.readCapacity) > 0 && Number(inputs.writeCapacity) > 0))
    failures.push({
      property: "billingMode",
      reason: "PROVISIONED needs readCapacity and writeCapacity; PAY_PER_REQUEST needs none",
    });
  return failures;
}

export interface Stream {
  /** As the emulator names it. */
  readonly emulatorStream: string;
  /** The table's hash key. */
  readonly partitionKey: string;
}

/** The stream that an ARN names; undefined when there is none. */
export function streamNamed(streamArn: unknown, aws: LocalAws): Stream | undefined {
  for (const record of aws.registry.ofType(tableType)) {
    const { emulatorStream } = stateOf(record);
    if (emulatorStream && tableFacts.outputs?.(record, aws).streamArn === streamArn)
      return { emulatorStream, partitionKey: String(record.inputs.hashKey) };
  }
  return undefined;
}

const streamSpecification = ({ streamEnabled, streamViewType }: Properties) =>
  streamEnabled === true ? { StreamEnabled: true, StreamViewType: streamViewType } : { StreamEnabled: false };

const billing = ({ billingMode = "PROVISIONED", readCapacity, writeCapacity }: Properties) => ({
  BillingMode: billingMode,
  ...(billingMode === "PROVISIONED" && {
    ProvisionedThroughput: { ReadCapacityUnits: Number(readCapacity), WriteCapacityUnits: Number(writeCapacity) },
  }),
});

const keySchema = ({ hashKey, rangeKey }: Properties) => [
  { AttributeName: String(hashKey), KeyType: "HASH" },
  ...(rangeKey === undefined ? [] : [{ AttributeName: String(rangeKey), KeyType: "RANGE" }]),
];

async function describe(name: string, aws: LocalAws): Promise<Description | undefined> {
  try {
    const { Table } = await aws.dynamodb.api.call<{ Table: Description }>("DynamoDB", "DescribeTable", {
      TableName: name,
    });
    return Table;
  } catch (error) {
    if (error instanceof AwsError && error.code === "ResourceNotFoundException") return undefined;
    throw error;
  }
}

/** Remembers the stream that the table has now; AWS gives every enabling another ARN. */
async function noteStream(record: ResourceRecord, aws: LocalAws): Promise<void> {
  const table = await describe(record.id, aws);
  const isOn = table?.StreamSpecification?.StreamEnabled === true;
  record.state = isOn ? { emulatorStream: table.LatestStreamArn, streamLabel: table.LatestStreamLabel } : {};
  aws.registry.save(record);
}

async function setTimeToLive(name: string, before: unknown, after: unknown, aws: LocalAws): Promise<void> {
  const [was, is] = [(before ?? {}) as Properties, (after ?? {}) as Properties];
  const change = (attribute: unknown, isEnabled: boolean) =>
    aws.dynamodb.api.call("DynamoDB", "UpdateTimeToLive", {
      TableName: name,
      TimeToLiveSpecification: { AttributeName: attribute, Enabled: isEnabled },
    });
  if (was.enabled === true && (is.enabled !== true || is.attributeName !== was.attributeName))
    await change(was.attributeName, false);
  if (is.enabled === true && (was.enabled !== true || is.attributeName !== was.attributeName))
    await change(is.attributeName, true);
}

async function make(record: ResourceRecord, aws: LocalAws): Promise<void> {
  await aws.dynamodb.start();
  const { inputs, id } = record;
  const existing = await describe(id, aws);
  // Left by a creation that was interrupted; or, behind an endpoint that was given, somebody else's.
  if (existing && !isDeepStrictEqual(byKind(existing.KeySchema), byKind(keySchema(inputs))))
    throw new AwsError("ResourceInUseException", `Table already exists, with other keys: ${id}`);
  if (!existing) {
    const attributes = inputs.attributes as { name: string; type: string }[];
    await aws.dynamodb.api.call("DynamoDB", "CreateTable", {
      TableName: id,
      AttributeDefinitions: attributes.map(({ name, type }) => ({ AttributeName: name, AttributeType: type })),
      KeySchema: keySchema(inputs),
      StreamSpecification: streamSpecification(inputs),
      ...billing(inputs),
    });
    await setTimeToLive(id, undefined, inputs.ttl, aws);
  }
  await noteStream(record, aws);
}

const byKind = (keys: Description["KeySchema"]) =>
  Object.fromEntries(keys.map(({ AttributeName, KeyType }) => [KeyType, AttributeName]));

async function change(record: ResourceRecord, before: Properties, aws: LocalAws): Promise<void> {
  await aws.dynamodb.start();
  const { inputs, id } = record;
  const update = (what: object) => aws.dynamodb.api.call("DynamoDB", "UpdateTable", { TableName: id, ...what });
  if (!isDeepStrictEqual(billing(before), billing(inputs))) await update(billing(inputs));
  const [had, has] = [streamSpecification(before), streamSpecification(inputs)];
  if (!isDeepStrictEqual(had, has)) {
    // Another view is another stream: the old one has to go first.
    if (had.StreamEnabled) await update({ StreamSpecification: { StreamEnabled: false } });
    if (has.StreamEnabled) await update({ StreamSpecification: has });
    await noteStream(record, aws);
  }
  await setTimeToLive(id, before.ttl, inputs.ttl, aws);
}

/** A table of the emulator. What the emulator lacks is recorded: recovery to a point in time, warm throughput, tags. */
export const table: Part = {
  create: make,
  verify: ({ inputs: before }, after) => {
    if (isCooler(before.warmThroughput, after.warmThroughput))
      throw new AwsError(
        "ValidationException",
        "warmThroughput can only be raised. Leave it as it is, or out; before July 2026 AWS's provider would have replaced the table",
      );
  },
  update: change,
  delete: async ({ id, inputs }, aws) => {
    if (inputs.deletionProtectionEnabled === true)
      throw new AwsError(
        "ValidationException",
        "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.",
      );
    await aws.dynamodb.start();
    if (await describe(id, aws)) await aws.dynamodb.api.call("DynamoDB", "DeleteTable", { TableName: id });
  },
};
