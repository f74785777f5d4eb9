import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { AttributeValue, DynamoDBClient } from "@aws-sdk/client-dynamodb";

type Item = Record<string, AttributeValue>;
type Keyed = { pk: { S: string }; sk: { S: string } };

/** What a request has of all that the table understands. */
interface Input {
  readonly Item?: Item;
  readonly TransactItems?: readonly { readonly Put: { readonly Item: Item } }[];
  readonly RequestItems?: Readonly<Record<string, { readonly Keys: readonly Item[] }>>;
  readonly Segment?: number;
  readonly TotalSegments?: number;
  readonly Limit?: number;
  readonly ExclusiveStartKey?: Item;
}

/**
 * A table that takes everything at once and keeps it in a process of its own, so that this one's memory is what the work
 * needs. It guards nothing: it is for measuring.
 */
export function farTable(): { client: DynamoDBClient; stop: () => void } {
  const child = fork(fileURLToPath(import.meta.url), ["table"], {
    serialization: "advanced",
    execArgv: ["--max-old-space-size=8000"],
  });
  const waiting = new Map<number, (output: object) => void>();
  let sent = 0;
  child.on("message", ({ id, output }: { id: number; output: object }) => {
    waiting.get(id)?.(output);
    waiting.delete(id);
  });
  const send = ({ input }: { input: Input }) =>
    new Promise((resolve) => {
      waiting.set(++sent, resolve);
      child.send({ id: sent, input });
    });
  return { client: { send } as unknown as DynamoDBClient, stop: () => child.kill() };
}

class Table {
  readonly #places = new Map<string, number>();
  readonly #items: Item[] = [];

  answer(input: Input): object {
    if (input.Item) this.#put(input.Item);
    for (const { Put } of input.TransactItems ?? []) this.#put(Put.Item);
    if (input.RequestItems)
      return {
        Responses: Object.fromEntries(
          Object.entries(input.RequestItems).map(([table, { Keys }]) => [table, Keys.flatMap((key) => this.#at(key))]),
        ),
      };
    return input.TotalSegments ? this.#scan(input) : {};
  }

  #put(item: Item): void {
    const place = placeOf(item);
    const index = this.#places.get(place) ?? this.#items.length;
    this.#places.set(place, index);
    this.#items[index] = item;
  }

  #at(key: Item): Item[] {
    const index = this.#places.get(placeOf(key));
    return index === undefined ? [] : [this.#items[index] as Item];
  }

  #scan({ Segment = 0, TotalSegments = 1, Limit = 500, ExclusiveStartKey }: Input): object {
    const size = Math.ceil(this.#items.length / TotalSegments);
    const end = Math.min(this.#items.length, (Segment + 1) * size);
    const begin = ExclusiveStartKey ? (this.#places.get(placeOf(ExclusiveStartKey)) ?? 0) + 1 : Segment * size;
    const Items = this.#items.slice(begin, Math.min(end, begin + Limit));
    const last = Items.at(-1);
    return last && begin + Limit < end ? { Items, LastEvaluatedKey: { pk: last.pk, sk: last.sk } } : { Items };
  }
}

function placeOf(item: Item): string {
  const { pk, sk } = item as unknown as Keyed;
  return `${pk.S} ${sk.S}`;
}

if (process.argv[2] === "table" && process.send) {
  const table = new Table();
  process.on("message", ({ id, input }: { id: number; input: Input }) => {
    process.send?.({ id, output: table.answer(input) });
  });
}
