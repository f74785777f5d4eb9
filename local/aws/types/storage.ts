import { bucket, bucketObject, parameter, secret, secretVersion } from "../../parts/storage/parts.ts";
import { type ResourceType, arn, hex, inputId, ownHex, regionOf } from "../resource-type.ts";

const suffix = (draft: { urn: string; generation: number }) => ownHex(draft, 6).toUpperCase();

/** A setting of a bucket that is a resource of its own. */
const bucketSetting = (...required: string[]): ResourceType => ({
  required: ["bucket", ...required],
  id: inputId("bucket"),
  once: { inputs: ["bucket"], taken: "OperationAborted" },
});

/** Buckets, parameters, secrets and logs. */
export const storage: Record<string, ResourceType> = {
  "aws:s3/bucket:Bucket": {
    part: bucket,
    naming: { property: "bucket", prefix: "bucketPrefix", maxLength: 63, taken: "BucketAlreadyExists" },
    id: inputId("bucket"),
    check: ({ bucket }) =>
      typeof bucket !== "string" || /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)
        ? []
        : [{ property: "bucket", reason: `InvalidBucketName: ${bucket}` }],
    outputs: (record, context) => {
      const { region } = regionOf(record, context);
      return {
        arn: arn(context, "s3", record.id, "none"),
        bucketDomainName: `${record.id}.s3.amazonaws.com`,
        bucketRegionalDomainName: `${record.id}.s3.${region}.amazonaws.com`,
        bucketRegion: region,
        hostedZoneId: "Z3AQBSTGFYJSTF",
        region,
      };
    },
  },
  "aws:s3/bucketVersioning:BucketVersioning": bucketSetting("versioningConfiguration"),
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": bucketSetting(),
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": bucketSetting("rules"),
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": bucketSetting("rule"),
  "aws:s3/bucketPolicy:BucketPolicy": bucketSetting("policy"),
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": bucketSetting(),
  "aws:s3/bucketLogging:BucketLogging": bucketSetting("targetBucket", "targetPrefix"),
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": bucketSetting("corsRules"),
  "aws:s3/bucketObjectv2:BucketObjectv2": {
    required: ["bucket", "key"],
    part: bucketObject,
    id: inputId("bucket", "key"),
    check: (inputs) =>
      ["content", "contentBase64", "source"].filter((property) => inputs[property] !== undefined).length > 1
        ? [{ property: "content", reason: "only one of content, contentBase64, source can be given" }]
        : [],
    renews: (changed) =>
      changed.some((property) => ["content", "contentBase64", "source", "sourceHash", "etag"].includes(property))
        ? ["versionId", "etag"]
        : [],
    outputs: (record, context) => ({
      arn: arn(context, "s3", `${record.inputs.bucket}/${record.inputs.key}`, "none"),
      ...record.state,
    }),
  },
  "aws:ssm/parameter:Parameter": {
    required: ["name", "type"],
    part: parameter,
    naming: { property: "name", maxLength: 2048, taken: "ParameterAlreadyExists" },
    id: inputId("name"),
    check: ({ value, insecureValue }) =>
      (value === undefined) === (insecureValue === undefined)
        ? [{ property: "value", reason: "exactly one of value, insecureValue must be given" }]
        : [],
    renews: (changed) => (changed.includes("value") || changed.includes("insecureValue") ? ["version"] : []),
    outputs: (record, context) => ({
      arn: arn(regionOf(record, context), "ssm", `parameter/${String(record.inputs.name).replace(/^\//, "")}`),
      version: versionOf(record.state),
    }),
    defaults: { tier: "Standard", dataType: "text" },
  },
  "aws:secretsmanager/secret:Secret": {
    part: secret,
    naming: { property: "name", prefix: "namePrefix", maxLength: 512, taken: "ResourceExistsException" },
    id: (draft, context) =>
      arn(regionOf(draft, context), "secretsmanager", `secret:${draft.inputs.name}-${suffix(draft)}`),
    outputs: (record) => ({ arn: record.id }),
    defaults: { recoveryWindowInDays: 30 },
  },
  "aws:secretsmanager/secretVersion:SecretVersion": {
    required: ["secretId"],
    part: secretVersion,
    id: (draft) => `${draft.inputs.secretId}|${ownHex(draft, 32)}`,
    outputs: (record) => ({
      arn: record.inputs.secretId,
      versionId: record.id.split("|")[1],
      versionStages: ["AWSCURRENT"],
    }),
  },
  "aws:cloudwatch/logGroup:LogGroup": {
    naming: { property: "name", prefix: "namePrefix", maxLength: 512, taken: "ResourceAlreadyExistsException" },
    id: inputId("name"),
    outputs: (record, context) => ({
      arn: arn(regionOf(record, context), "logs", `log-group:${record.inputs.name}`),
    }),
    defaults: { logGroupClass: "STANDARD" },
  },
  "aws:cloudwatch/metricAlarm:MetricAlarm": {
    required: ["comparisonOperator", "evaluationPeriods"],
    naming: { property: "name", maxLength: 255, taken: "" },
    id: inputId("name"),
    defaults: { actionsEnabled: true, treatMissingData: "missing" },
    outputs: (record, context) => ({
      arn: arn(regionOf(record, context), "cloudwatch", `alarm:${record.inputs.name}`),
    }),
  },
  "aws:cloudwatch/dashboard:Dashboard": {
    required: ["dashboardName", "dashboardBody"],
    id: inputId("dashboardName"),
    outputs: (record, context) => ({
      dashboardArn: arn(context, "cloudwatch", `dashboard/${record.inputs.dashboardName}`, "global"),
    }),
  },
  "aws:sns/topic:Topic": {
    naming: { property: "name", prefix: "namePrefix", maxLength: 256, taken: "" },
    id: (draft, context) => arn(regionOf(draft, context), "sns", String(draft.inputs.name)),
    outputs: (record) => ({ arn: record.id, owner: hex(record.id, 12) }),
  },
};

function versionOf({ versions }: Record<string, unknown>): number {
  return Array.isArray(versions) ? Math.max(1, ...versions.map(({ version }: { version: number }) => version)) : 1;
}
