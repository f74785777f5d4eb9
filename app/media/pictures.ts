import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import { type Bucket, ObjectGone, type SignedUpload } from "../aws/bucket.ts";
import { AppError, errors } from "../domain/errors.ts";
import { isPictureType, type Picture, type PictureType, pictureTypes } from "../domain/pictures.ts";
import type { Id } from "../store/store.ts";
import { sniffedBytes, sniffPicture } from "./sniff.ts";

/** What a client gets to upload a picture with. */
export interface Upload extends SignedUpload {
  /** Names the picture when a post takes it. */
  readonly id: string;
  /** Unix milliseconds after which the upload can't be begun any more. */
  readonly expiresAt: number;
}

/** A picture that a post is to have. */
export interface WantedPicture {
  readonly id: string;
  readonly alt: string;
}

export interface PicturesOptions {
  readonly bucket: Bucket;
  /** Largest picture in bytes. */
  readonly maxBytes: number;
  readonly log: Logger;
}

/** Seconds within which an upload has to begin: long enough for a person on a slow line who was asked to confirm. */
const uploadSeconds = 300;

/**
 * Objects under `media/` never change, so a browser that has one never has to ask again. Edge locations ask once a day:
 * that is how long a picture that was deleted may still be had by those who know its address.
 */
const cacheControl = "public, max-age=31536000, s-maxage=86400, immutable";

/** 128 bits in base64url: nobody can guess one. */
export const uploadIdPattern = /^[A-Za-z0-9_-]{22}$/;

/**
 * Pictures on their way from a browser into a post. Browsers upload to `incoming/`, which nobody can read and which
 * empties itself after a day. What a post takes is looked at and copied to `media/`, which the world reads and only
 * servers write: nothing that was not looked at is ever served.
 */
export class Pictures {
  readonly #options: PicturesOptions;
  #uploadOrigin: Promise<string> | undefined;
  readonly maxBytes: number;

  constructor(options: PicturesOptions) {
    this.#options = options;
    this.maxBytes = options.maxBytes;
  }

  /** Scheme, host and port that browsers upload to; always the same once it is known. */
  uploadOrigin(): Promise<string> {
    this.#uploadOrigin ??= this.#options.bucket.uploadOrigin().catch((error) => {
      this.#uploadOrigin = undefined;
      throw error;
    });
    return this.#uploadOrigin;
  }

  /**
   * Signs one upload of exactly this type and size.
   *
   * @throws AppError `unsupported_picture`, `picture_too_large`
   */
  async offer(userId: Id, { type, size }: { type: string; size: number }): Promise<Upload> {
    this.#check(type, size);
    const id = randomBytes(16).toString("base64url");
    const expiresAt = Date.now() + uploadSeconds * 1000;
    const signed = await this.#reaching(() =>
      this.#options.bucket.signUpload(incomingKey(userId, id), { type, size, seconds: uploadSeconds }),
    );
    return { id, expiresAt, ...signed };
  }

  /**
   * Makes a post's pictures of what its author uploaded. Either all of them are there afterwards or none is; the
   * uploads themselves stay, so that a request that is sent again finds them.
   *
   * @throws AppError `no_such_upload`, `picture_is_not_what_it_claims`, `picture_too_large`
   */
  async take(userId: Id, wanted: readonly WantedPicture[]): Promise<Picture[]> {
    const taken = await Promise.allSettled(wanted.map((picture) => this.#takeOne(userId, picture)));
    const pictures = taken.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    if (pictures.length === wanted.length) return pictures;
    await this.discard(pictures);
    throw refusalOf(taken.map((result) => (result.status === "rejected" ? (result.reason as unknown) : undefined)));
  }

  /** Removes pictures that no post has after all. A failure leaves objects that nobody knows of. */
  async discard(pictures: readonly Picture[]): Promise<void> {
    await this.#options.bucket.remove(pictures.map(({ key }) => key)).catch((error) => {
      this.#options.log.warn({ err: error, keys: pictures.map(({ key }) => key) }, "unused pictures not removed");
    });
  }

  /** Removes the objects of a deleted post's pictures, and the uploads that they were made of. */
  async remove(keys: readonly string[]): Promise<void> {
    await this.#options.bucket.remove(keys.flatMap((key) => [key, uploadOf(key)]));
  }

  async #takeOne(userId: Id, { id, alt }: WantedPicture): Promise<Picture> {
    const upload = incomingKey(userId, id);
    return this.#reaching(async () => {
      const { bucket } = this.#options;
      const facts = await bucket.facts(upload);
      if (!facts) throw errors.noSuchUpload(id);
      try {
        const type = await this.#look(upload, facts);
        const key = mediaKey(userId, id, type);
        await bucket.copy(upload, key, { etag: facts.etag, type, cacheControl });
        return { key, type, alt };
      } catch (error) {
        if (error instanceof ObjectGone) throw errors.noSuchUpload(id);
        // What was refused once is refused for ever: there is no reason to keep it.
        if (error instanceof AppError) await bucket.remove([upload]);
        throw error;
      }
    });
  }

  /** What an upload really is. */
  async #look(upload: string, facts: { type: string; size: number; etag: string }): Promise<PictureType> {
    this.#check(facts.type, facts.size);
    const start = await this.#options.bucket.start(upload, facts, sniffedBytes);
    const type = sniffPicture(start);
    if (type === undefined || type !== facts.type) throw errors.pictureIsNotWhatItClaims(facts.type, type);
    return type;
  }

  #check(type: string, size: number): void {
    if (!isPictureType(type)) throw errors.unsupportedPicture(type, Object.keys(pictureTypes));
    if (size > this.maxBytes) throw errors.pictureTooLarge(size, this.maxBytes);
  }

  /** What the bucket's own trouble is to a client: it may try again. */
  async #reaching<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw error instanceof AppError ? error : errors.unavailable(error);
    }
  }
}

/** One error for what is wrong with a post's pictures: by field, so that a client knows which of them to send again. */
function refusalOf(reasons: readonly unknown[]): unknown {
  const isRefusal = (reason: unknown): reason is AppError => reason instanceof AppError && reason.status < 500;
  const failure = reasons.find((reason) => reason !== undefined && !isRefusal(reason));
  const first = reasons.find(isRefusal);
  // What is the service's own trouble says nothing about the pictures: the same request may work in a moment.
  if (failure !== undefined || first === undefined) return failure;
  const fields = reasons.flatMap((reason, index) =>
    isRefusal(reason) ? [[`media.${index}`, reason.message] as const] : [],
  );
  return new AppError(first.status, first.code, first.message, { fields: Object.fromEntries(fields) });
}

/** Where a browser puts a picture. The user's id is the signed-in user's: another's upload can't even be named. */
function incomingKey(userId: Id, id: string): string {
  return `incoming/${userId}/${id}`;
}

/**
 * Where a post's picture lives: a name of its own each time, so that no two posts share an object and deleting one
 * leaves the other alone.
 */
function mediaKey(userId: Id, id: string, type: PictureType): string {
  return `media/${userId}/${id}-${randomBytes(8).toString("base64url")}.${pictureTypes[type]}`;
}

/** The upload that an object under `media/` was made of. */
function uploadOf(key: string): string {
  const [, userId = "", name = ""] = key.split("/");
  return incomingKey(userId, name.slice(0, 22));
}
