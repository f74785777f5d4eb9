import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AwsError } from "../../aws/errors.ts";

export interface StoredObject {
  readonly key: string;
  /** `null` in a bucket without versioning. */
  readonly versionId: string;
  readonly etag: string;
  readonly contentType: string;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/**
 * S3's objects as files: `<bucket>/<key>/<version>` with `<version>.json` beside it. Keys are encoded, so that no key
 * can leave its bucket.
 */
export class Objects {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  createBucket(bucket: string): void {
    mkdirSync(join(this.#folder, bucket), { recursive: true });
  }

  hasBucket(bucket: string): boolean {
    return existsSync(join(this.#folder, bucket));
  }

  /** @throws as S3 does when objects are left and `force` is not set. */
  deleteBucket(bucket: string, force: boolean): void {
    const folder = join(this.#folder, bucket);
    if (!force && existsSync(folder) && readdirSync(folder).length > 0)
      throw new AwsError(
        "BucketNotEmpty",
        `The bucket ${bucket} you tried to delete is not empty. You must delete all versions in the bucket.`,
      );
    rmSync(folder, { recursive: true, force: true });
  }

  put(bucket: string, key: string, body: Buffer, contentType: string, versioned: boolean): StoredObject {
    const folder = this.#keyFolder(bucket, key);
    mkdirSync(folder, { recursive: true });
    const object: StoredObject = {
      key,
      versionId: versioned ? `${Date.now().toString(36).padStart(9, "0")}${randomBytes(8).toString("hex")}` : "null",
      etag: createHash("md5").update(body).digest("hex"),
      contentType,
      size: body.length,
      modified: Date.now(),
    };
    const file = join(folder, object.versionId);
    writeFileSync(`${file}.new`, body);
    renameSync(`${file}.new`, file);
    // The description comes last: an object without one was never acknowledged.
    writeFileSync(`${file}.json.new`, JSON.stringify(object));
    renameSync(`${file}.json.new`, `${file}.json`);
    return object;
  }

  /** Metadata of the newest version, or of the one that is named. */
  head(bucket: string, key: string, versionId?: string): StoredObject {
    if (!this.hasBucket(bucket)) throw new AwsError("NoSuchBucket", `The specified bucket does not exist: ${bucket}`);
    const versions = this.#versions(bucket, key);
    const found = versionId ? versions.find((version) => version.versionId === versionId) : versions.at(-1);
    if (found) return found;
    if (versionId) throw new AwsError("NoSuchVersion", `The specified version does not exist: ${versionId}`);
    throw new AwsError("NoSuchKey", `The specified key does not exist: ${key}`);
  }

  read(bucket: string, { key, versionId }: StoredObject): Buffer {
    return readFileSync(join(this.#keyFolder(bucket, key), versionId));
  }

  /** Deletes the object with all its versions. */
  delete(bucket: string, key: string): void {
    rmSync(this.#keyFolder(bucket, key), { recursive: true, force: true });
  }

  #versions(bucket: string, key: string): StoredObject[] {
    const folder = this.#keyFolder(bucket, key);
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((file) => file.endsWith(".json"))
      .map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as StoredObject)
      .sort((a, b) => a.modified - b.modified || a.versionId.localeCompare(b.versionId));
  }

  #keyFolder(bucket: string, key: string): string {
    return join(this.#folder, bucket, encodeURIComponent(key).replaceAll(".", "%2E"));
  }
}
