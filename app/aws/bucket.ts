import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

/** What is known of an object without reading it. */
export interface ObjectFacts {
  /** Length in bytes. */
  readonly size: number;
  /** The content type it was stored with. */
  readonly type: string;
  /** Names these very bytes. */
  readonly etag: string;
}

/** A request that somebody without credentials may send once. */
export interface SignedUpload {
  readonly url: string;
  readonly method: "PUT";
  /** Headers to send with it, exactly; the length is signed too, and clients set it by themselves. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The object is not there, or no longer the one that was meant. */
export class ObjectGone extends Error {}

/** One bucket, as far as the service needs it. */
export class Bucket {
  readonly #client: S3Client;
  readonly #name: string;

  /** @param patience milliseconds that one of the three attempts of a request may take; 5000 by default */
  constructor(region: string, name: string, patience = 5000) {
    this.#name = name;
    this.#client = new S3Client({
      region,
      maxAttempts: 3,
      // Without the last of these the SDK only warns, and a request of ours would wait for ever.
      requestHandler: { connectionTimeout: 2000, requestTimeout: patience, throwOnRequestTimeout: true },
      // Otherwise a checksum of nothing would be signed into every upload.
      requestChecksumCalculation: "WHEN_REQUIRED",
    });
  }

  /**
   * Signs an upload of exactly this many bytes of this type under a key that is free: length, type and `If-None-Match`
   * are part of the signature, so the URL neither stores anything else nor overwrites.
   *
   * @param seconds how long it can be begun
   */
  async signUpload(key: string, { type, size, seconds }: { type: string; size: number; seconds: number }) {
    const command = new PutObjectCommand({
      Bucket: this.#name,
      Key: key,
      ContentType: type,
      ContentLength: size,
      IfNoneMatch: "*",
    });
    const url = await getSignedUrl(this.#client, command, {
      expiresIn: seconds,
      signableHeaders: new Set(["host", "content-type", "content-length", "if-none-match"]),
    });
    return { url, method: "PUT", headers: { "Content-Type": type, "If-None-Match": "*" } } satisfies SignedUpload;
  }

  /** Scheme, host and port that signed uploads go to. */
  async uploadOrigin(): Promise<string> {
    const { url } = await this.signUpload("origin", { type: "image/png", size: 1, seconds: 1 });
    return new URL(url).origin;
  }

  /** Undefined when there is no such object. */
  async facts(key: string): Promise<ObjectFacts | undefined> {
    try {
      const { ContentLength, ContentType, ETag } = await this.#client.send(
        new HeadObjectCommand({ Bucket: this.#name, Key: key }),
      );
      return { size: ContentLength ?? 0, type: ContentType ?? "", etag: ETag ?? "" };
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw error;
    }
  }

  /** The first bytes of exactly this object. @throws ObjectGone */
  async start(key: string, { etag, size }: ObjectFacts, bytes: number): Promise<Buffer> {
    if (size === 0) return Buffer.alloc(0);
    const range = `bytes=0-${Math.min(bytes, size) - 1}`;
    const { Body } = await this.#ifThere(
      this.#client.send(new GetObjectCommand({ Bucket: this.#name, Key: key, Range: range, IfMatch: etag })),
    );
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  }

  /** Copies exactly this object, within S3, under a type and a lifetime of our own. @throws ObjectGone */
  async copy(
    from: string,
    to: string,
    { etag, type, cacheControl }: { etag: string; type: string; cacheControl: string },
  ) {
    await this.#ifThere(
      this.#client.send(
        new CopyObjectCommand({
          Bucket: this.#name,
          Key: to,
          CopySource: `${this.#name}/${from}`,
          CopySourceIfMatch: etag,
          MetadataDirective: "REPLACE",
          ContentType: type,
          CacheControl: cacheControl,
        }),
      ),
    );
  }

  /** Removes objects; those that aren't there are no error. */
  async remove(keys: readonly string[]): Promise<void> {
    const gone = keys.map((key) => this.#client.send(new DeleteObjectCommand({ Bucket: this.#name, Key: key })));
    await Promise.all(gone);
  }

  async #ifThere<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      const status = statusOf(error);
      if (status === 404 || status === 412) throw new ObjectGone("the object is gone", { cause: error });
      throw error;
    }
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}
