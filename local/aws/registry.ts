import { createHash } from "node:crypto";
import { EventEmitter } from "node:events";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ResourceRecord } from "./record.ts";

/**
 * Everything that exists, in memory and on disk. It is the one truth: parts look here for what they should be, and
 * listen to `change` to follow it.
 */
export class Registry extends EventEmitter<{ change: [record: ResourceRecord] }> {
  readonly #folder: string;
  readonly #byType = new Map<string, Set<ResourceRecord>>();
  readonly #generations: Record<string, number>;

  constructor(folder: string) {
    super();
    this.setMaxListeners(0);
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
    this.#generations = files.includes("generations.json") ? readJson(join(folder, "generations.json")) : {};
    for (const file of files) {
      if (file !== "generations.json") this.#index(readJson(join(folder, file)));
    }
  }

  /** Resources of a type, oldest first. */
  ofType(type: string): ResourceRecord[] {
    return [...(this.#byType.get(type) ?? [])];
  }

  all(): ResourceRecord[] {
    return [...this.#byType.values()].flatMap((records) => [...records]);
  }

  /** The resource of this type whose id, or whose ARN or name as its type tells it, is the given one. */
  byId(type: string, id: unknown): ResourceRecord | undefined {
    return this.ofType(type).find((record) => record.id === id);
  }

  ofUrn(urn: string): ResourceRecord[] {
    return this.all().filter((record) => record.urn === urn);
  }

  /** Generation of the next resource with this URN; never one that was used before. */
  nextGeneration(urn: string): number {
    return this.#generations[urn] ?? 0;
  }

  add(record: ResourceRecord): void {
    this.#generations[record.urn] = record.generation + 1;
    writeJson(join(this.#folder, "generations.json"), this.#generations);
    this.#index(record);
    this.save(record);
  }

  /** Writes a record that was changed. The file is replaced at once, so a kill leaves the old or the new one. */
  save(record: ResourceRecord): void {
    writeJson(this.#file(record), record);
    this.emit("change", record);
  }

  remove(record: ResourceRecord): void {
    this.#byType.get(record.type)?.delete(record);
    rmSync(this.#file(record), { force: true });
    this.emit("change", record);
  }

  #index(record: ResourceRecord): void {
    const records = this.#byType.get(record.type) ?? new Set();
    this.#byType.set(record.type, records.add(record));
  }

  #file({ urn, generation, name }: ResourceRecord): string {
    const hash = createHash("sha256").update(urn).digest("hex").slice(0, 12);
    return join(this.#folder, `${name.replaceAll(/[^\w-]/g, "_").slice(0, 80)}-${hash}-${generation}.json`);
  }
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
