import { closeSync, createReadStream, openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";

/** A write that the traffic attempts, in terms of what must be in the database afterwards. */
export type Write =
  | { readonly kind: "user"; readonly name: string }
  | {
      readonly kind: "post";
      readonly tag: string;
      readonly author: string;
      readonly text: string;
      /** SHA-256 of the post's picture, if it has one. */
      readonly picture?: string;
    }
  | { readonly kind: "delete"; readonly post: string }
  | { readonly kind: "follow"; readonly follower: string; readonly followee: string; readonly on: boolean }
  | { readonly kind: "like"; readonly user: string; readonly post: string; readonly on: boolean };

/**
 * One line of the ledger. Every write is noted twice: before it is sent, and when it was acknowledged. So a write whose
 * answer never came is known too, and is neither expected nor a surprise.
 */
export interface Entry {
  readonly acknowledged: boolean;
  /** The id that the service gave, in the acknowledgement of a creation. */
  readonly id?: string;
  readonly write: Write;
}

/** Appends to the ledger. Lines reach the operating system before the call returns, so they survive our own death. */
export class LedgerWriter {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "a", 0o600);
    // After a kill in the middle of a line the next entry must not become part of it.
    writeSync(this.#file, "\n");
  }

  attempted(write: Write): void {
    this.#append({ acknowledged: false, write });
  }

  acknowledged(write: Write, id?: string): void {
    this.#append({ acknowledged: true, ...(id === undefined ? {} : { id }), write });
  }

  close(): void {
    closeSync(this.#file);
  }

  #append(entry: Entry): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`);
  }
}

/** Reads a ledger from its beginning; a last line that was cut off is left out. */
export async function* readLedger(path: string): AsyncGenerator<Entry> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line === "") continue;
    try {
      yield JSON.parse(line);
    } catch {
      // Only a kill in the middle of a line leaves one like this, and what it began to say was not yet acknowledged.
    }
  }
}
