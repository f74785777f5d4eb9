import type { Logger } from "pino";
import { Bucket } from "../aws/bucket.ts";
import { Pictures } from "../media/pictures.ts";
import { Remover } from "../media/removals.ts";
import type { Removals } from "../store/store.ts";
import type { UploadLimits } from "./upload-limits.ts";

/** Where pictures are kept and served, and how many there may be. */
export interface MediaConfig {
  /** Name of the bucket. */
  readonly bucket: string;
  /** Host name of the front that serves `media/`. */
  readonly host: string;
  /** Largest picture in bytes. */
  readonly maxBytes: number;
  readonly limits: UploadLimits;
}

/** Everything about pictures, in a service that has them. */
export interface Media {
  readonly host: string;
  readonly limits: UploadLimits;
  readonly pictures: Pictures;
  readonly remover: Remover;
}

export interface MediaOptions {
  readonly region: string;
  readonly config: MediaConfig | undefined;
  readonly removals: () => Removals;
  readonly log: Logger;
}

/** Undefined where there is no bucket: the service has no pictures then, and says so. */
export function openMedia({ region, config, removals, log }: MediaOptions): Media | undefined {
  if (!config) return undefined;
  const { bucket, host, maxBytes, limits } = config;
  const pictures = new Pictures({ bucket: new Bucket(region, bucket), maxBytes, log });
  return { host, limits, pictures, remover: new Remover({ removals, pictures, log }) };
}
