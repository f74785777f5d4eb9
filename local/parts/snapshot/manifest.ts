import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a snapshot knows of the instance that it was taken of; what is restored from it begins as this. */
export interface Source {
  /** Whoever made the snapshot, so that a creation that was interrupted recognises it. */
  readonly owner: string;
  readonly dbInstanceIdentifier: string;
  readonly username: string;
  readonly password: string;
  readonly dbName?: string | undefined;
  readonly allocatedStorage?: number | undefined;
  readonly engineVersion?: string | undefined;
  /** ISO 8601. */
  readonly created: string;
}

/** A table of a snapshot: how it is made, and the file that holds its rows. */
export interface TableDump {
  readonly schema: string;
  readonly name: string;
  readonly create: string;
  readonly columns: readonly string[];
  readonly file: string;
}

/** What is in a snapshot's folder. A final one is the folder of the server itself; it has no `content`. */
export interface Manifest extends Source {
  readonly content?: {
    /** Statements that make the schemas. */
    readonly schemas: readonly string[];
    readonly tables: readonly TableDump[];
    /** Statements that make the users and give them their rights. */
    readonly accounts: readonly string[];
  };
}

const file = (folder: string) => join(folder, "snapshot.json");

export function hasManifest(folder: string): boolean {
  return existsSync(file(folder));
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(file(folder), "utf8")) as Manifest;
}

/** It holds the master password's text, where RDS has its hash: it is for its owner alone. */
export function writeManifest(folder: string, manifest: Manifest): void {
  writeFileSync(`${file(folder)}.new`, `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${file(folder)}.new`, file(folder));
}
