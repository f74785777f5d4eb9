import { randomUUID } from "node:crypto";
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
  type WriteRequest,
} from "@aws-sdk/client-dynamodb";
import { AppError, errors } from "../../domain/errors.ts";
import { isRefused, isTransient, isUnreachable, reasons } from "./failures.ts";
import type { Item } from "./items.ts";
import type { Key } from "./keys.ts";
import { keyOf } from "./mapping.ts";

/** Milliseconds during which a failed request is tried again before the client is told to. */
const patience = 2_500;

/** Most items of one request: AWS quotas. */
export const batchGetLimit = 100;
export const batchWriteLimit = 25;

/** A stretch of one partition. */
export interface Range {
  readonly pk: string;
  /** First sort key, itself included. @default the first there is */
  readonly from?: string;
  /** Last sort key, itself included. @default the last there is */
  readonly to?: string;
  /** From the last to the first. @default false */
  readonly backwards?: boolean;
  /** Items read per request. @default as many as fit 1 MB */
  readonly pageSize?: number;
}

/** For how long something may be sent; what it says may change while it is used. */
export interface Permission {
  /** By `performance.now()`. */
  readonly deadline: number;
}

/** A write that a condition refused: what is there instead, where the action asked to see it. */
export interface Refusal {
  /** Position of the action in its transaction. */
  readonly index: number;
  readonly found: Item | undefined;
}

export interface DynamoTableOptions {
  readonly client: DynamoDBClient;
  readonly name: string;
  /** Milliseconds during which a failed request is tried again. @default 2500 */
  readonly patience?: number;
}

/** One table, read consistently, that survives throttling, conflicting transactions and lost answers. */
export class DynamoTable {
  readonly name: string;
  readonly #client: DynamoDBClient;
  readonly #patience: number;

  constructor(options: DynamoTableOptions) {
    this.name = options.name;
    this.#client = options.client;
    this.#patience = options.patience ?? patience;
  }

  async get(key: Key): Promise<Item | undefined> {
    const command = () => new GetItemCommand({ TableName: this.name, Key: attributes(key), ConsistentRead: true });
    return (await this.retrying(() => this.#client.send(command()))).Item;
  }

  /** What there is of these keys, in no order; a key may be given twice. */
  async getAll(keys: readonly Key[]): Promise<Items> {
    const distinct = [...new Map(keys.map((key) => [path(key), attributes(key)])).values()];
    const chunks = chunked(distinct, batchGetLimit);
    const found = await Promise.all(chunks.map((chunk) => this.#getChunk(chunk)));
    return new Items(found.flat());
  }

  async #getChunk(wanted: Item[]): Promise<Item[]> {
    const found: Item[] = [];
    await this.#untilProcessed(wanted, async (Keys) => {
      const { Responses, UnprocessedKeys } = await this.#client.send(
        new BatchGetItemCommand({ RequestItems: { [this.name]: { Keys, ConsistentRead: true } } }),
      );
      found.push(...(Responses?.[this.name] ?? []));
      return UnprocessedKeys?.[this.name]?.Keys ?? [];
    });
    return found;
  }

  /** The items of a range, page by page as they are asked for. */
  async *query({ pk, from = " ", to = "~", backwards = false, pageSize }: Range): AsyncGenerator<Item, void, void> {
    let start: Item | undefined;
    do {
      const command = new QueryCommand({
        TableName: this.name,
        KeyConditionExpression: "pk = :pk AND sk BETWEEN :from AND :to",
        ExpressionAttributeValues: { ":pk": { S: pk }, ":from": { S: from }, ":to": { S: to } },
        ConsistentRead: true,
        ScanIndexForward: !backwards,
        ...(pageSize === undefined ? {} : { Limit: pageSize }),
        ...(start ? { ExclusiveStartKey: start } : {}),
      });
      const { Items, LastEvaluatedKey } = await this.retrying(() => this.#client.send(command));
      yield* Items ?? [];
      start = LastEvaluatedKey;
    } while (start);
  }

  /**
   * Writes all or nothing. A transaction that was not answered is sent again with the same token, so it happens once.
   *
   * @param permission nothing is sent after its deadline
   * @throws AppError `moving_house` when the deadline has passed; whether an earlier attempt arrived is then unknown
   * @returns which conditions did not hold; none when it is written
   */
  async transact(actions: TransactWriteItem[], permission?: Permission): Promise<Refusal[]> {
    const [only, ...more] = actions;
    // A transaction costs twice as much as a plain write.
    const isPlain = more.length === 0 && only?.Put !== undefined;
    const command = isPlain
      ? new PutItemCommand(only.Put as NonNullable<TransactWriteItem["Put"]>)
      : new TransactWriteItemsCommand({ TransactItems: actions, ClientRequestToken: randomUUID() });
    if (permission) sendOnlyWith(permission, command);
    return this.#refusable(() => this.#client.send(command as TransactWriteItemsCommand), permission);
  }

  /** Changes one item in place; returns its new state, or undefined when the condition does not hold. */
  async update(key: Key, input: Omit<UpdateItemCommandInput, "TableName" | "Key">): Promise<Item | undefined> {
    const command = new UpdateItemCommand({
      TableName: this.name,
      Key: attributes(key),
      ReturnValues: "ALL_NEW",
      ...input,
    });
    let changed: Item | undefined;
    await this.#refusable(async () => {
      changed = (await this.#client.send(command)).Attributes;
    });
    return changed;
  }

  /** Puts and deletes items without conditions, in no order: for what may be done twice. */
  async writeAll({ puts = [], deletes = [] }: { puts?: readonly Item[]; deletes?: readonly Key[] }): Promise<void> {
    const requests: WriteRequest[] = [
      ...puts.map((Item) => ({ PutRequest: { Item } })),
      ...deletes.map((key) => ({ DeleteRequest: { Key: attributes(key) } })),
    ];
    await inTurns(chunked(requests, batchWriteLimit), 8, (chunk) =>
      this.#untilProcessed(chunk, async (waiting) => {
        const { UnprocessedItems } = await this.#client.send(
          new BatchWriteItemCommand({ RequestItems: { [this.name]: waiting } }),
        );
        return UnprocessedItems?.[this.name] ?? [];
      }),
    );
  }

  /** Sends what is left of a batch until nothing is; what was left out is throttling by another name. */
  async #untilProcessed<T>(batch: T[], send: (waiting: T[]) => Promise<T[]>): Promise<void> {
    let waiting = batch;
    await this.retrying(async () => {
      waiting = await send(waiting);
      if (waiting.length > 0) throw Object.assign(new Error("unprocessed items"), { name: "ThrottlingException" });
    });
  }

  async #refusable(send: () => Promise<unknown>, permission?: Permission): Promise<Refusal[]> {
    try {
      await this.retrying(send, permission);
      return [];
    } catch (error) {
      if (!isRefused(error)) throw error;
      const cancelled = reasons(error).flatMap(({ Code, Item }, index) =>
        Code && Code !== "None" ? [{ index, found: Item as Item | undefined, Code }] : [],
      );
      const invalid = cancelled.find(({ Code }) => Code !== "ConditionalCheckFailed");
      if (invalid) throw new Error(`DynamoDB refused a transaction: ${invalid.Code}`, { cause: error });
      if (cancelled.length > 0) return cancelled.map(({ index, found }) => ({ index, found }));
      return [{ index: 0, found: (error as { Item?: Item }).Item }];
    }
  }

  /** Tries again what may succeed in a moment, with pauses that grow, by chance, so that rivals don't meet again. */
  async retrying<T>(operation: () => Promise<T>, permission?: Permission): Promise<T> {
    const end = performance.now() + this.#patience;
    for (let attempt = 0; ; attempt++) {
      if (permission) check(permission);
      try {
        return await operation();
      } catch (error) {
        if (error instanceof AppError) throw error;
        if (isUnreachable(error)) throw errors.unavailable(error);
        if (!isTransient(error)) throw error;
        const pause = Math.min(5 * 2 ** attempt, 300) * (0.5 + Math.random());
        if (performance.now() + pause > end) throw errors.unavailable(error);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }
}

/**
 * Looks at the permission once more where a request leaves for the wire: signing takes a moment, and a process that was
 * frozen in it would send what it was permitted long ago.
 */
function sendOnlyWith(permission: Permission, command: PutItemCommand | TransactWriteItemsCommand): void {
  (command as TransactWriteItemsCommand).middlewareStack.add(
    (next) => (args) => {
      check(permission);
      return next(args);
    },
    { step: "deserialize", priority: "low", name: "permission" },
  );
}

/** @throws AppError `moving_house` */
function check(permission: Permission): void {
  if (performance.now() > permission.deadline)
    throw errors.notTheRecord("unknown: the permission to write has run out");
}

/** Items found by their keys. */
export class Items {
  readonly #items: Map<string, Item>;

  constructor(items: readonly Item[]) {
    this.#items = new Map(items.map((item) => [path(keyOf(item)), item]));
  }

  at(key: Key): Item | undefined {
    return this.#items.get(path(key));
  }
}

/** The key as an item has it. */
export function attributes({ pk, sk }: Key): Item {
  return { pk: { S: pk }, sk: { S: sk } };
}

function path({ pk, sk }: Key): string {
  return `${pk} ${sk}`;
}

export function chunked<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}

/** Does something for each of a list, at most so many at once; the results in the list's order. */
export async function inTurns<T, R>(
  list: readonly T[],
  concurrency: number,
  work: (element: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(list.length);
  let next = 0;
  const lane = async () => {
    while (next < list.length) {
      const index = next++;
      results[index] = await work(list[index] as T);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, list.length) }, lane));
  return results;
}
