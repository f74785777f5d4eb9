import { ScanCommand } from "@aws-sdk/client-dynamodb";
import { attributes } from "../../store/dynamodb/dynamo-table.ts";
import type { Item } from "../../store/dynamodb/items.ts";
import type { Key } from "../../store/dynamodb/keys.ts";
import { isOfRow, keyOf } from "../../store/dynamodb/mapping.ts";
import { type ReadRow, rowsByKey } from "../table-rows.ts";
import { workOff } from "../pieces.ts";
import { Trail } from "./cursors.ts";
import { isEqual, isTombstone, placeOf, rowKeyOf } from "./judge.ts";
import type { Suspect } from "./settler.ts";
import type { Comparison } from "./verify.ts";

/** How far a part of the table has been compared, as the journal keeps it. */
interface Cursor {
  /** Key of the last item that was read. */
  readonly after?: Key;
  readonly items: number;
  readonly done: boolean;
}

interface Piece {
  readonly part: number;
  readonly cursor: Cursor;
  readonly trail: Trail;
}

const prefix = "verify/items/";

/** Parts of the table that are read side by side; whoever goes on must divide it in the same way. */
const parts = 8;

/** Items read at once. */
const pageSize = 500;

/** From items to rows: finds items that no row has. */
export class ItemsPass {
  readonly #comparison: Comparison;
  #cursors = new Map<string, Cursor>();
  #trails: Trail[] = [];
  #items = 0;

  constructor(comparison: Comparison) {
    this.#comparison = comparison;
  }

  /** Items of rows that have been compared, also by those who did so before. */
  get items(): number {
    return this.#items;
  }

  /** Reads how far it is. */
  async recall(): Promise<void> {
    this.#cursors = await this.#comparison.journal.list<Cursor>(prefix);
    for (const { items } of this.#cursors.values()) this.#items += items;
  }

  /** Compares everything that has not been; settles when all of it is settled and kept. */
  async run(lanes: number, signal: AbortSignal): Promise<void> {
    await workOff(this.#pieces(), lanes, signal, (piece) => this.#step(piece));
    await Promise.all(this.#trails.map((trail) => trail.kept));
  }

  #pieces(): Piece[] {
    const { journal, failed } = this.#comparison;
    const pieces = Array.from({ length: parts }, (_, part) => ({
      part,
      cursor: this.#cursors.get(`${prefix}${part}`) ?? { items: 0, done: false },
      trail: new Trail(journal, failed),
    }));
    this.#trails = pieces.map(({ trail }) => trail);
    return pieces.filter(({ cursor }) => !cursor.done);
  }

  async #step({ part, cursor, trail }: Piece): Promise<Piece | undefined> {
    const { settler } = this.#comparison;
    await settler.room();
    const page = await this.#page(part, cursor.after);
    const items = page.items.filter(isOfRow);
    const suspects = await this.#compare(items);
    const next: Cursor = {
      ...(page.after ? { after: page.after } : {}),
      items: cursor.items + items.length,
      done: page.after === undefined,
    };
    trail.add(`${prefix}${part}`, next, settler.settle(suspects));
    this.#items += items.length;
    this.#comparison.progressed();
    return next.done ? undefined : { part, cursor: next, trail };
  }

  async #page(part: number, after: Key | undefined): Promise<{ items: Item[]; after: Key | undefined }> {
    const { client, table } = this.#comparison;
    const command = new ScanCommand({
      TableName: table.name,
      ConsistentRead: true,
      Segment: part,
      TotalSegments: parts,
      Limit: pageSize,
      ...(after ? { ExclusiveStartKey: attributes(after) } : {}),
    });
    const { Items = [], LastEvaluatedKey } = await table.retrying(() => client.send(command));
    return { items: Items, after: LastEvaluatedKey && keyOf(LastEvaluatedKey) };
  }

  async #compare(items: readonly Item[]): Promise<Suspect[]> {
    const { source, foundItem } = this.#comparison;
    const owned: { item: Item; key: string }[] = [];
    for (const item of items) {
      const key = rowKeyOf(item);
      if (key !== undefined) owned.push({ item, key });
      else if (!isTombstone(item)) await foundItem(keyOf(item));
    }
    const rows = await rowsByKey(
      source,
      owned.map(({ key }) => key),
    );
    return owned
      .filter(({ item, key }) => !isExplained(item, rows.get(key)))
      .map(({ item, key }) => ({ key, items: [keyOf(item)] }));
  }
}

/** Whether the item is one that this row has; of a row that is gone a tombstone may be left. */
function isExplained(item: Item, row: ReadRow | undefined): boolean {
  if (!row || row.mapped instanceof Error) return !row && isTombstone(item);
  const place = placeOf(item);
  const wanted = row.mapped.items.find((one) => placeOf(one) === place);
  return wanted ? isEqual(wanted, item) : isTombstone(item);
}
