import { workerCount, type WorkerWindow } from "../domain/snowflake.ts";

/** The first of some worker numbers that follow each other, and how many they are. */
export interface WorkerShare {
  readonly first: number;
  readonly count: number;
}

/**
 * Each store grants numbers of its own. So at a switch nobody has to wait for the leases of the other store to end: a
 * server takes a number here while another still uses up its window there, and no id is made twice. Of either, 512
 * servers can live at once.
 */
export const workerShares = {
  mysql: { first: 0, count: workerCount / 2 },
  dynamodb: { first: workerCount / 2, count: workerCount / 2 },
} as const satisfies Record<string, WorkerShare>;

export function isWithin({ first, count }: WorkerShare, worker: number): boolean {
  return worker >= first && worker < first + count;
}

/** A window together with the time it was granted at, both by the clock of whoever grants. */
export interface GrantedWindow extends WorkerWindow {
  /** The grantor's time of the grant, in Unix milliseconds. */
  readonly grantedAt: number;
}

/** Grants worker numbers for a time. A number's windows never overlap, whoever holds them. */
export interface WorkerLeases {
  /**
   * Grants a number that nobody holds.
   *
   * @param holder unique to this process
   * @param duration milliseconds
   */
  claim(holder: string, duration: number): Promise<GrantedWindow>;
  /** Extends a grant; undefined when the number is no longer this holder's. */
  renew(held: WorkerWindow, holder: string, duration: number): Promise<GrantedWindow | undefined>;
  /** Gives the number back; ids up to and including `last` (Unix milliseconds) have been made with it. */
  release(held: WorkerWindow, holder: string, last: number): Promise<void>;
}
