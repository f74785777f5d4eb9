import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  TransactionCanceledException,
} from "@aws-sdk/client-dynamodb";
import type { Journal } from "../../../app/migration/model.ts";
import type { Source, SourceRow } from "../../../app/migration/source.ts";
import type { Item } from "../../../app/store/dynamodb/items.ts";
import { versionOf } from "../../../app/store/dynamodb/mapping.ts";
import { placeOf } from "../../../app/migration/verify/judge.ts";

/** Comes back when it is this one's turn. */
export type Turn = () => Promise<void>;

interface Put {
  Item: Item;
  ConditionExpression?: string;
  ExpressionAttributeValues?: Item;
}

/**
 * A DynamoDB table in memory, for thousands of cases: the requests that a migration makes, each at once and as a whole,
 * before or after others by turns.
 */
export class MemoryTable {
  readonly items = new Map<string, Item>();
  readonly #turn: Turn;

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  get client(): DynamoDBClient {
    const send = async (command: { constructor: { name: string }; input: never }) => {
      await this.#turn();
      const answer = this.#answer(command.constructor.name.replace("Command", ""), command.input);
      await this.#turn();
      return answer;
    };
    return { send } as unknown as DynamoDBClient;
  }

  #answer(name: string, input: never): unknown {
    switch (name) {
      case "PutItem":
        return this.#ifAllowed(input, placeOf((input as Put).Item), () => this.#put((input as Put).Item));
      case "DeleteItem": {
        const place = placeOf((input as { Key: Item }).Key);
        return this.#ifAllowed(input, place, () => this.items.delete(place));
      }
      case "TransactWriteItems":
        return this.#transact((input as { TransactItems: { Put: Put }[] }).TransactItems.map(({ Put: put }) => put));
      case "BatchGetItem": {
        const [[table, { Keys }]] = Object.entries(
          (input as { RequestItems: Record<string, { Keys: Item[] }> }).RequestItems,
        ) as [[string, { Keys: Item[] }]];
        return {
          Responses: { [table]: Keys.map((key) => this.items.get(placeOf(key))).filter((item) => item !== undefined) },
        };
      }
      case "Scan":
        return this.#scan(input);
      default:
        throw new Error(`the table in memory knows no ${name}`);
    }
  }

  #put(item: Item): void {
    this.items.set(placeOf(item), structuredClone(item));
  }

  #ifAllowed(put: Put, place: string, write: () => void): object {
    const there = this.items.get(place);
    if (!allows(put, there))
      throw new ConditionalCheckFailedException({
        message: "refused",
        $metadata: {},
        ...(there ? { Item: structuredClone(there) } : {}),
      });
    write();
    return {};
  }

  #transact(puts: readonly Put[]): object {
    const found = puts.map((put) => this.items.get(placeOf(put.Item)));
    const refused = puts.map((put, index) => !allows(put, found[index]));
    if (refused.includes(true))
      throw new TransactionCanceledException({
        message: "refused",
        $metadata: {},
        CancellationReasons: refused.map((isRefused, index) =>
          isRefused
            ? { Code: "ConditionalCheckFailed", Item: structuredClone(found[index]) as Record<string, AttributeValue> }
            : { Code: "None" },
        ),
      });
    for (const { Item: item } of puts) this.#put(item);
    return {};
  }

  /** In the order of keys; the segments are neighbours of each other in it. */
  #scan(input: { Segment: number; TotalSegments: number; Limit: number; ExclusiveStartKey?: Item }): object {
    const { Segment, TotalSegments, Limit, ExclusiveStartKey } = input;
    const after = ExclusiveStartKey ? placeOf(ExclusiveStartKey) : "";
    const places = [...this.items.keys()]
      .sort()
      .filter((place) => place > after && (place.length * 7 + place.charCodeAt(2)) % TotalSegments === Segment);
    const page = places.slice(0, Limit).map((place) => this.items.get(place) as Item);
    const last = page.at(-1);
    const more = last && places.length > page.length ? { LastEvaluatedKey: { pk: last.pk, sk: last.sk } } : {};
    return { Items: structuredClone(page), ...more };
  }
}

function allows({ ConditionExpression: condition, ExpressionAttributeValues: values }: Put, there?: Item): boolean {
  const version = BigInt(values?.[":version"]?.N ?? 0);
  switch (condition) {
    case undefined:
      return true;
    case "attribute_not_exists(pk)":
      return !there;
    case "#version = :version":
      return there !== undefined && versionOf(there) === version;
    case "attribute_not_exists(pk) OR #version < :version":
      return !there || versionOf(there) < version;
    default:
      throw new Error(`the table in memory knows no condition ${condition}`);
  }
}

/** A row as the driver would give it. */
export type MemoryRow = Record<string, string | number | Buffer | null>;

/** Tables of MySQL in memory, with as much of its language as reading for a migration takes. */
export class MemoryDatabase implements Pick<Source, "rows"> {
  readonly tables: Readonly<Record<string, MemoryRow[]>>;
  record = "mysql";
  readonly #turn: Turn;

  constructor(tables: readonly string[], turn: Turn) {
    this.tables = Object.fromEntries(tables.map((name) => [name, []]));
    this.#turn = turn;
  }

  async rows(sql: string, values: readonly unknown[] = []): Promise<SourceRow[]> {
    await this.#turn();
    const rows = this.#answer(sql, values);
    await this.#turn();
    return rows;
  }

  #answer(sql: string, values: readonly unknown[]): SourceRow[] {
    if (sql.startsWith("SELECT record FROM control")) return [{ record: this.record }];
    const count = /^SELECT COUNT\(\*\) AS count FROM (\w+)$/.exec(sql);
    if (count) return [{ count: this.#table(count[1]).length }];
    // Counters are not counted again here: only MySQL itself can show that.
    if (/real_/.test(sql)) return [];
    const parts =
      /^SELECT (?:\*|id) FROM (\w+)\s+(?:WHERE (.*?))?\s*(?:ORDER BY ([\w, ]+) LIMIT (\d+)(?: OFFSET (\d+))?)?$/.exec(
        sql,
      );
    if (!parts) throw new Error(`the database in memory does not understand: ${sql}`);
    const [, table, where = "", order = "", limit, offset = "0"] = parts;
    const holds = condition(where, values);
    const rows = this.#table(table).filter(holds);
    for (const column of order.split(", ").reverse()) if (column) rows.sort((a, b) => compare(a[column], b[column]));
    return structuredCloneRows(rows.slice(Number(offset), limit ? Number(offset) + Number(limit) : undefined));
  }

  #table(name = ""): MemoryRow[] {
    const rows = this.tables[name];
    if (!rows) throw new Error(`there is no table ${name}`);
    return rows;
  }
}

/** What a WHERE says of a row: comparisons of columns with values, AND, OR and parentheses. */
function condition(where: string, values: readonly unknown[]): (row: MemoryRow) => boolean {
  if (where === "") return () => true;
  const words = where.match(/[()]|AND|OR|\w+ (?:=|<|>|>=) \?/g) ?? [];
  let at = 0;
  let value = 0;
  const either = (): ((row: MemoryRow) => boolean) => {
    const all = [both()];
    for (; words[at] === "OR";) {
      at++;
      all.push(both());
    }
    return (row) => all.some((one) => one(row));
  };
  const both = (): ((row: MemoryRow) => boolean) => {
    const all = [one()];
    for (; words[at] === "AND";) {
      at++;
      all.push(one());
    }
    return (row) => all.every((single) => single(row));
  };
  const one = (): ((row: MemoryRow) => boolean) => {
    const word = words[at++] as string;
    if (word === "(") {
      const inner = either();
      at++;
      return inner;
    }
    const [column, operator] = word.split(" ") as [string, string];
    const wanted = values[value++];
    return (row) => {
      const order = compare(row[column], wanted);
      return operator === "=" ? order === 0 : operator === "<" ? order < 0 : order > (operator === ">" ? 0 : -1);
    };
  };
  return either();
}

function compare(a: unknown, b: unknown): number {
  if (Buffer.isBuffer(a) && Buffer.isBuffer(b)) return Buffer.compare(a, b);
  const [first, second] = [BigInt(a as string), BigInt(b as string)];
  return first < second ? -1 : first > second ? 1 : 0;
}

function structuredCloneRows(rows: readonly MemoryRow[]): SourceRow[] {
  return rows.map((row) => ({ ...row }));
}

/** A journal of nobody but its test. */
export function memoryJournal(fence: number, values = new Map<string, unknown>()): Journal {
  const copy = <T>(value: T): T => structuredClone(value);
  return {
    fence,
    get: async <T>(key: string) => copy(values.get(key)) as T | undefined,
    list: async <T>(prefix: string) =>
      new Map([...values].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key, copy(value) as T])),
    put: async (key, value) => void values.set(key, copy(value)),
    remove: async (key) => void values.delete(key),
  };
}
