import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** How far a shard has been handed over. */
export interface Progress {
  /** Sequence number of the last record before which nothing is left to do. */
  after?: string | undefined;
  /** The shard is closed, and nothing of it is left. */
  isDone?: boolean;
}

/** Milliseconds for which a step forward may be only in memory; what a kill takes away is handed over once more. */
const delay = 50;

/** How far a mapping has come, on disk. */
export class Checkpoint {
  readonly #file: string;
  #shards: Record<string, Progress> = {};
  #timer: NodeJS.Timeout | undefined;

  constructor(file: string) {
    this.#file = file;
    mkdirSync(dirname(file), { recursive: true });
    if (existsSync(file)) this.#shards = JSON.parse(readFileSync(file, "utf8")) as Record<string, Progress>;
  }

  /** Whether the mapping was never at work. */
  get isNew(): boolean {
    return !existsSync(this.#file);
  }

  of(shard: string): Progress {
    return this.#shards[shard] ?? {};
  }

  set(shard: string, progress: Progress): void {
    this.#shards[shard] = progress;
    this.#timer ??= setTimeout(() => this.save(), delay).unref();
  }

  /** Forgets shards that the stream has forgotten. */
  keep(shards: readonly string[]): void {
    for (const shard of Object.keys(this.#shards)) if (!shards.includes(shard)) delete this.#shards[shard];
  }

  save(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    writeFileSync(`${this.#file}.new`, JSON.stringify(this.#shards));
    renameSync(`${this.#file}.new`, this.#file);
  }

  remove(): void {
    clearTimeout(this.#timer);
    rmSync(this.#file, { force: true });
  }
}
