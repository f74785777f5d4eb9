import type { Registry } from "./registry.ts";

/** What every part of the local AWS shares. */
export interface Context {
  /** Folder that everything is kept under. */
  readonly dir: string;
  readonly registry: Registry;
  /** Region of the program's provider. */
  region: string;
  readonly account: string;
  /** Tells the user: shown by the engine beside the resource when there is one, and kept in the log. */
  warn(message: string, urn?: string): void;
  /** A line for the log of this run. */
  log(message: string): void;
}
