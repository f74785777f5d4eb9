import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AwsError } from "../../aws/errors.ts";
import { type Incoming, receive } from "./incoming.ts";

export interface StoredObject {
  readonly key: string;
  /** `null` in a bucket without versioning. */
  readonly versionId: string;
  readonly etag: string;
  readonly contentType: string;
  readonly cacheControl?: string | undefined;
  /** The uploader's own, by their names without `x-amz-meta-`. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** A delete marker: the object is gone, its older versions are not. */
  readonly isMarker?: true;
}

/** What is kept with an object beside its bytes. */
export type ObjectMetadata = Pick<StoredObject, "contentType" | "cacheControl" | "metadata">;

/**
 * S3's objects as files: `<bucket>/<key>/<version>` with `<version>.json` beside it. Keys are encoded, so that no key
 * can leave its bucket.
 */
export class Objects {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    // What an earlier run had not received in full is nobody's.
    rmSync(join(folder, ".incoming"), { recursive: true, force: true });
  }

  createBucket(bucket: string): void {
    mkdirSync(join(this.#folder, bucket), { recursive: true });
  }

  hasBucket(bucket: string): boolean {
    // No bucket's name starts with a dot: neither the uploads under way nor another folder is one.
    return /^[a-z0-9]/i.test(bucket) && existsSync(join(this.#folder, bucket));
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

  put(bucket: string, key: string, body: Buffer, metadata: ObjectMetadata, versioned: boolean): StoredObject {
    const etag = createHash("md5").update(body).digest("hex");
    const object = { ...picked(metadata), key, ...newVersion(versioned), etag, size: body.length };
    return this.#write(bucket, object, (file) => writeFileSync(file, body));
  }

  /** Takes in a body of unknown length piece by piece; it is no object yet. */
  receive(body: AsyncIterable<Buffer>, most: number): Promise<Incoming> {
    return receive(join(this.#folder, ".incoming"), body, most);
  }

  /** Makes an object of what was received. */
  keep(bucket: string, key: string, incoming: Incoming, metadata: ObjectMetadata, versioned: boolean): StoredObject {
    const { etag, size } = incoming;
    const object = { ...picked(metadata), key, ...newVersion(versioned), etag, size };
    return this.#write(bucket, object, (file) => renameSync(incoming.file, file));
  }

  #write(bucket: string, object: StoredObject, makeFile: (path: string) => void): StoredObject {
    const folder = this.#keyFolder(bucket, object.key);
    mkdirSync(folder, { recursive: true });
    const file = join(folder, object.versionId);
    makeFile(`${file}.new`);
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
    if (found && !found.isMarker) return found;
    if (versionId) throw new AwsError("NoSuchVersion", `The specified version does not exist: ${versionId}`);
    throw new AwsError("NoSuchKey", `The specified key does not exist: ${key}`);
  }

  read(bucket: string, { key, versionId }: StoredObject): Buffer {
    return readFileSync(join(this.#keyFolder(bucket, key), versionId));
  }

  has(bucket: string, key: string): boolean {
    const newest = this.#versions(bucket, key).at(-1);
    return newest !== undefined && !newest.isMarker;
  }

  /** The objects of a bucket at their newest versions, in the order of their keys' bytes. */
  list(bucket: string): StoredObject[] {
    const folders = readdirSync(join(this.#folder, bucket));
    return folders
      .flatMap((folder) => this.#versionsIn(join(this.#folder, bucket, folder)).at(-1) ?? [])
      .filter(({ isMarker }) => !isMarker)
      .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }

  /** Deletes the object as S3's API does: under versioning its versions stay, behind a marker. */
  remove(bucket: string, key: string, versioned: boolean): void {
    if (!versioned) this.delete(bucket, key);
    else if (this.has(bucket, key)) {
      const marker = { etag: "", contentType: "", size: 0, isMarker: true } as const;
      this.#write(bucket, { key, ...newVersion(true), ...marker }, (file) => writeFileSync(file, ""));
    }
  }

  /** Deletes the object with all its versions. */
  delete(bucket: string, key: string): void {
    rmSync(this.#keyFolder(bucket, key), { recursive: true, force: true });
  }

  #versions(bucket: string, key: string): StoredObject[] {
    return this.#versionsIn(this.#keyFolder(bucket, key));
  }

  #versionsIn(folder: string): StoredObject[] {
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

/** Metadata alone, also of a whole object: a copy has a key and a version of its own. */
function picked({ contentType, cacheControl, metadata }: ObjectMetadata): ObjectMetadata {
  return { contentType, cacheControl, metadata };
}

let lastVersion = 0;

/** Version ids grow in the order in which versions are made, also within a millisecond. */
function newVersion(versioned: boolean): Pick<StoredObject, "versionId" | "modified"> {
  const modified = Date.now();
  lastVersion = Math.max(lastVersion + 1, modified * 1000);
  const versionId = `${lastVersion.toString(36).padStart(11, "0")}${randomBytes(8).toString("hex")}`;
  return { versionId: versioned ? versionId : "null", modified };
}
