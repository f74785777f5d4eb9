import type { LocalAws } from "../../local-aws.ts";
import { accessKey } from "../instance/instances.ts";
import { isVersioned } from "../storage/parts.ts";
import type { CorsRule } from "./cors.ts";
import { S3 } from "./service.ts";

/** S3 over the buckets of the stack, with the settings that resources beside them say. */
export function makeS3(aws: LocalAws): S3 {
  return new S3({
    objects: aws.objects,
    secretOf: (id) => (id === accessKey.accessKeyId ? accessKey.secretAccessKey : undefined),
    settings: (bucket) =>
      aws.objects.hasBucket(bucket)
        ? { isVersioned: isVersioned(aws.registry, bucket), cors: corsRules(aws, bucket) }
        : undefined,
    // The entry's port stands for the ports that people leave out.
    publicOrigin: (origin) => (origin.endsWith(`:${aws.entry.port}`) ? origin.replace(/:\d+$/, "") : origin),
  });
}

function corsRules({ registry }: LocalAws, bucket: string): CorsRule[] {
  return registry
    .ofType("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration")
    .filter(({ inputs }) => inputs.bucket === bucket)
    .flatMap(({ inputs }) => inputs.corsRules as CorsRule[]);
}
