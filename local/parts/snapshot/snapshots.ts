import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { AwsError } from "../../aws/errors.ts";
import type { ResourceRecord } from "../../aws/record.ts";
import type { Part } from "../../aws/resource-type.ts";
import type { LocalAws } from "../../local-aws.ts";
import type { Database } from "../database.ts";
import { hasManifest, type Manifest, readManifest, type Source, writeManifest } from "./manifest.ts";
import { takeSnapshot } from "./take.ts";

/** RDS's snapshots, those that were asked for and the final ones alike: a folder each. */
export class Snapshots {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  folder(name: string): string {
    return join(this.#folder, name);
  }

  exists(name: string): boolean {
    return existsSync(this.folder(name));
  }

  /** @throws AwsError when there is none of this name */
  find(name: string): Manifest {
    if (this.exists(name) && hasManifest(this.folder(name))) return readManifest(this.folder(name));
    throw new AwsError("DBSnapshotNotFound", `DBSnapshot not found: ${name}`);
  }

  /** @throws AwsError when the name is taken by a snapshot of another owner */
  refuseTaken(name: string, owner: string): void {
    if (!this.exists(name) || (hasManifest(this.folder(name)) && this.find(name).owner === owner)) return;
    throw new AwsError(
      "DBSnapshotAlreadyExists",
      `Cannot create the snapshot because a snapshot with the identifier ${name} already exists.`,
    );
  }

  /** Takes a snapshot of a running server. It appears under its name when it is whole. */
  async take(name: string, database: Database, source: Source): Promise<void> {
    this.refuseTaken(name, source.owner);
    if (this.exists(name)) return;
    const fresh = `${this.folder(name)}.new`;
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { recursive: true, mode: 0o700 });
    try {
      const content = await takeSnapshot(database, fresh);
      const tables = content.tables.map((table) => ({ ...table, file: basename(table.file) }));
      writeManifest(fresh, { ...source, content: { ...content, tables } });
      renameSync(fresh, this.folder(name));
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  }

  /** Keeps the folder of a server that has ended as its final snapshot. */
  keep(name: string, serverFolder: string, source: Source): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeManifest(serverFolder, source);
    renameSync(serverFolder, this.folder(name));
  }

  delete(name: string): void {
    rmSync(this.folder(name), { recursive: true, force: true });
  }

  list(): string[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder).filter((name) => hasManifest(this.folder(name)) && !name.endsWith(".new"));
  }
}

/** Names the resource that makes a snapshot, for good. */
export function ownerOf({ urn, generation }: ResourceRecord): string {
  return `${urn}#${generation}`;
}

async function take(record: ResourceRecord, aws: LocalAws): Promise<void> {
  const { dbSnapshotIdentifier, dbInstanceIdentifier } = record.inputs;
  const { instance, database, source } = aws.databases.running(String(dbInstanceIdentifier));
  const start = performance.now();
  await aws.snapshots.take(String(dbSnapshotIdentifier), database, { ...source, owner: ownerOf(record) });
  aws.log(`snapshot ${record.id}: taken in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  const { engine, engineVersion, storageEncrypted = false, storageType = "gp2" } = instance.inputs;
  record.state = {
    allocatedStorage: Number(source.allocatedStorage ?? 20),
    encrypted: storageEncrypted,
    engine,
    engineVersion,
    port: instance.state.port,
    storageType,
  };
  aws.registry.save(record);
}

/** A snapshot on request, of a server that goes on serving. */
export const snapshot: Part = {
  create: take,
  delete: ({ id }, aws) => aws.snapshots.delete(id),
  exists: ({ id }, aws) => aws.snapshots.exists(id),
};
