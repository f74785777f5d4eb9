import type { WorkerWindow } from "../domain/snowflake.ts";

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
