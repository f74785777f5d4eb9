import { createHash } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { type BundleAddress, parseRelease, type Release } from "./release.ts";

/** Where releases and bundles come from. */
export interface Source {
  /** What the server shall run now. */
  release(): Promise<Release>;
  /** Path of a bundle, fetched and checked unless it is already there. */
  fetch(bundle: BundleAddress): Promise<string>;
}

/** The release parameter and the bucket, with the machine's own permissions. */
export function awsSource(parameter: string, folder: string): Source {
  const ssm = new SSMClient();
  const s3 = new S3Client();
  return {
    async release() {
      const found = await ssm.send(new GetParameterCommand({ Name: parameter }));
      return parseRelease(found.Parameter?.Value ?? "");
    },
    async fetch(bundle) {
      const path = join(folder, `${bundle.sha256}.mjs`);
      if (sha256(await readFile(path).catch(() => Buffer.alloc(0))) === bundle.sha256) return path;
      const object = await s3.send(new GetObjectCommand({ Bucket: bundle.bucket, Key: bundle.key }));
      const body = Buffer.from((await object.Body?.transformToByteArray()) ?? []);
      if (sha256(body) !== bundle.sha256)
        throw new Error(`s3://${bundle.bucket}/${bundle.key} hashes to ${sha256(body)} instead of ${bundle.sha256}`);
      await writeFile(`${path}.new`, body);
      await rename(`${path}.new`, path);
      return path;
    },
  };
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
