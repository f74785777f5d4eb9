import fc from "fast-check";
import type { RowImages } from "../../../app/migration/binlog/rows.ts";
import { type Change, changeOf } from "../../../app/migration/cdc/changes.ts";
import type { MappedRow } from "../../../app/migration/model.ts";
import { read } from "../../../app/migration/table-rows.ts";
import { firstVersion, nextVersion } from "../../../app/domain/version.ts";
import type { Item, TableName } from "../../../app/store/dynamodb/items.ts";
import { contentOf, isOfRow } from "../../../app/store/dynamodb/mapping.ts";
import { isTombstone, placeOf } from "../../../app/migration/verify/judge.ts";

/** A row of the driver. */
export type Raw = Record<string, string | number | Buffer | null>;

/** A place for a row: so few of them that everything meets. */
export interface Slot {
  readonly table: TableName;
  /** Primary key and whatever never changes. */
  readonly fixed: Raw;
  /** What another write of it makes different. */
  readonly change: (write: number) => Raw;
  readonly isDeletable: boolean;
}

/** @param base makes ids of a world of its own */
export function slotsOf(base: bigint): Slot[] {
  const id = (number: number) => String(base + BigInt(number));
  const created = { created_at: 5 };
  const user = (number: number): Slot => ({
    table: "users",
    fixed: {
      id: id(number),
      name: `P${id(number)}`,
      name_key: Buffer.from(`p${id(number)}`),
      password_hash: "",
      ...created,
    },
    change: (write) => ({ display_name: `name ${write}`, bio: "" }),
    isDeletable: true,
  });
  const post = (number: number, author: number): Slot => ({
    table: "posts",
    fixed: { id: id(number), author_id: id(author), ...created },
    change: (write) => ({ text: `text ${write}`, media: write % 2 === 0 ? null : "[]" }),
    isDeletable: true,
  });
  const relation = (table: "follows" | "likes", from: number, to: number): Slot => ({
    table,
    fixed: {
      [table === "follows" ? "follower_id" : "user_id"]: id(from),
      [table === "follows" ? "followee_id" : "post_id"]: id(to),
    },
    change: (write) => ({ created_at: write }),
    isDeletable: true,
  });
  return [
    user(1),
    user(2),
    post(11, 1),
    relation("follows", 1, 2),
    relation("follows", 2, 1),
    relation("likes", 1, 11),
    {
      table: "user_counters",
      fixed: { user_id: id(1) },
      change: (write) => ({ posts: write, followers: 0, following: 1 }),
      isDeletable: false,
    },
    {
      table: "sessions",
      // The binlog leaves zeros at the end out.
      fixed: { user_id: id(1), token_hash: Buffer.concat([Buffer.from([7]), Buffer.alloc(31)]), ...created },
      change: (write) => ({ expires_at: write }),
      isDeletable: true,
    },
  ];
}

/** What somebody does to a row. */
export interface Write {
  readonly slot: number;
  /** `remove` is a DELETE by hand: the row does not come back. `epoch`: another epoch begins, too. */
  readonly kind: "live" | "delete" | "remove" | "epoch";
}

export const write = (kinds: Write["kind"][] = ["live", "delete", "remove", "epoch"]): fc.Arbitrary<Write> =>
  fc.record({ slot: fc.nat(7), kind: fc.constantFrom("live", "live", ...kinds) });

/** The store of record's side: gives each change its version, and remembers it as the binlog does. */
export class SmallWorld {
  readonly slots: readonly Slot[];
  readonly rows = new Map<number, Raw>();
  readonly events: { readonly table: TableName; readonly images: RowImages }[] = [];
  readonly #gone = new Set<number>();
  #epoch = 1n;
  #writes = 0;

  constructor(base = 0n) {
    this.slots = slotsOf(base);
  }

  /** Makes the change, unless the row was removed for good; returns the row's images. */
  write({ slot, kind }: Write): RowImages | undefined {
    const { table, fixed, change, isDeletable } = this.slots[slot] as Slot;
    const before = this.rows.get(slot);
    if (kind === "epoch") this.#epoch++;
    if (this.#gone.has(slot) || (kind === "remove" && (!before || !isDeletable))) return undefined;
    let after: Raw | undefined;
    if (kind === "remove") {
      this.#gone.add(slot);
      this.rows.delete(slot);
    } else {
      const version = before ? nextVersion(BigInt(before.version as string), this.#epoch) : firstVersion(this.#epoch);
      const flag: Raw = isDeletable ? { deleted: kind === "delete" ? 1 : 0 } : {};
      after = { ...fixed, ...change(++this.#writes), ...flag, version: String(version) };
      this.rows.set(slot, after);
    }
    const images = { before: before && trimmed(before), after: after && trimmed(after) };
    this.events.push({ table, images });
    return images;
  }

  /** The row's key; also of a row that is not there. */
  keyOf(slot: number): string {
    const { table, fixed, change } = this.slots[slot] as Slot;
    return read(table, { ...fixed, ...change(0), deleted: 0, version: 1 }).key;
  }

  mapped(slot: number): MappedRow | undefined {
    const row = this.rows.get(slot);
    return row && (read((this.slots[slot] as Slot).table, row).mapped as MappedRow);
  }

  /** An event as what it makes of the table. */
  static changeOf({ table, images }: SmallWorld["events"][number]): MappedRow {
    return (changeOf(table, images) as Change).row;
  }

  /** How a table's items differ from the rows; nothing when they are equal. */
  differences(items: Iterable<Item>): string[] {
    const wanted = new Map(
      [...this.rows.keys()]
        .flatMap((slot) => this.mapped(slot)?.items ?? [])
        .map((item) => [placeOf(item), contentOf(item)]),
    );
    const found: string[] = [];
    for (const item of items) {
      const place = placeOf(item);
      if (!isOfRow(item)) continue;
      const isSame = wanted.get(place) === contentOf(item);
      if (!isSame && (wanted.has(place) || !isTombstone(item)))
        found.push(`${place} is ${contentOf(item)} instead of ${wanted.get(place) ?? "nothing"}`);
      wanted.delete(place);
    }
    return [...found, ...[...wanted.keys()].map((place) => `${place} is missing`)];
  }
}

function trimmed(row: Raw): Raw {
  const { token_hash: hash } = row;
  return Buffer.isBuffer(hash)
    ? { ...row, token_hash: hash.subarray(0, hash.findLastIndex((byte) => byte > 0) + 1) }
    : row;
}
