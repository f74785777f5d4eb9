import { firstVersion, type Version } from "../../domain/version.ts";

/** Permission to write, for a moment. */
export interface WritePermit {
  /** Since when this store is the record: the epoch of the versions that writes assign. */
  readonly epoch: bigint;
  /** No request of the write is sent after this time, by `performance.now()`; moves on while the permission is renewed. */
  readonly deadline: number;
  /**
   * Called when the write is done, before anybody is told.
   *
   * @throws AppError `moving_house` when the permission has run out meanwhile
   */
  confirm(): void;
}

/** The record of which store is the system of record, as a server knows it: by a lease that it keeps renewing. */
export interface StoreOfRecord {
  /** The epoch of what was last written here, as far as this server knows; for reading, which nobody has to permit. */
  epoch(): bigint | Promise<bigint>;
  /** @throws AppError `moving_house` when this store is not the record, or nobody knows */
  permit(): WritePermit | Promise<WritePermit>;
}

/** For a store that never was anything but the record: a stack that began with it, a test. */
export function alwaysTheRecord(epoch: bigint): StoreOfRecord {
  return { epoch: () => epoch, permit: () => ({ epoch, deadline: Number.POSITIVE_INFINITY, confirm: () => {} }) };
}

/** What an insert's version is, and the least that a later change's can be. */
export function firstOf({ epoch }: WritePermit): Version {
  return firstVersion(epoch);
}
