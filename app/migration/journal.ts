import { randomUUID } from "node:crypto";
import type { DynamoDBClient, TransactWriteItem } from "@aws-sdk/client-dynamodb";
import { attributes, DynamoTable } from "../store/dynamodb/dynamo-table.ts";
import type { Item } from "../store/dynamodb/items.ts";
import { type Command, Deposed, type Journal } from "./model.ts";

/** Where a journal is kept. */
export interface JournalTable {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Milliseconds during which a throttled or unanswered request is tried again. @default 30000 */
  readonly patience?: number;
}

/** What somebody has asked of the worker. */
export interface Asked {
  readonly id: string;
  readonly command: Command;
}

/** A journal as everybody but its owner sees it. */
export interface OpenJournal {
  /** The run that the latest worker worked on; undefined while there was none. */
  run(): Promise<number | undefined>;
  /** A value of the latest worker's run. */
  get<T>(key: string): Promise<T | undefined>;
  /** Values of the latest worker's run whose keys begin with the prefix, by their whole keys. */
  list<T>(prefix: string): Promise<Map<string, T>>;
  /** What was recorded when a run began. */
  begun<T>(run: number): Promise<T | undefined>;
  /** Records that a run begins, unless that is recorded already; returns what is recorded. */
  begin<T>(run: number, value: T): Promise<T>;
  /**
   * Asks the latest worker for something, which does it when it comes to it.
   *
   * @throws Error when no worker has begun yet
   */
  ask(command: Command): Promise<string>;
}

const partition = "journal";

/** Nobody waits for a worker as they do for a page, and giving up means beginning a step again. */
const workersPatience = 30_000;

/** Actions of one transaction beside the check of the fence: an AWS quota. */
const transactionLimit = 99;

/** Bytes of values in one transaction, and of one of them, well within what AWS allows (4 MB, 400 KB). */
const transactionBytes = 3_000_000;
const valueBytes = 380_000;

const fenceKey = { pk: partition, sk: "fence" };

/** Prefix of what a worker keeps of a run. `run/N` itself is what was recorded when the run began. */
const scopeOf = (run: number) => `run/${run}/`;

/** Opens the journal to read it, and to ask something of its owner. */
export function openJournal(options: JournalTable): OpenJournal {
  const table = tableOf(options);
  const run = async () => {
    const found = (await table.get(fenceKey))?.run?.N;
    return found === undefined ? undefined : Number(found);
  };
  const begun = (of: number) => read(table, `run/${of}`);
  return {
    run,
    get: async (key) => {
      const current = await run();
      return current === undefined ? undefined : read(table, scopeOf(current) + key);
    },
    list: async (prefix) => {
      const current = await run();
      return current === undefined ? new Map() : list(table, scopeOf(current), prefix);
    },
    begun: begun as OpenJournal["begun"],
    begin: async <T>(of: number, value: T) => {
      const item = itemOf(`run/${of}`, value);
      const Put = { TableName: table.name, Item: item, ConditionExpression: "attribute_not_exists(pk)" };
      const refusals = await table.transact([{ Put }]);
      return refusals.length === 0 ? value : ((await begun(of)) as T);
    },
    ask: async (command) => {
      const current = await run();
      if (current === undefined) throw new Error("No worker has begun on this journal yet: nobody could be asked");
      // In the order of their asking.
      const id = `${new Date().toISOString()}-${randomUUID().slice(0, 8)}`;
      await table.transact([
        { Put: { TableName: table.name, Item: itemOf(`${scopeOf(current)}command/${id}`, command) } },
      ]);
      return id;
    },
  };
}

/**
 * Takes the journal over: from now on every write of an earlier owner fails. What it holds is of this run alone; what was
 * kept of earlier runs stays where it is.
 *
 * @throws Error when a later run has begun: a worker that was left behind must not take the journal back
 */
export async function claimJournal(options: JournalTable & { readonly run: number }): Promise<Journal> {
  const table = tableOf(options);
  const claimed = await table.update(fenceKey, {
    UpdateExpression: "SET #run = :run ADD #value :one",
    ConditionExpression: "attribute_not_exists(#run) OR #run <= :run",
    ExpressionAttributeNames: { "#run": "run", "#value": "value" },
    ExpressionAttributeValues: { ":run": { N: String(options.run) }, ":one": { N: "1" } },
  });
  const fence = claimed?.value?.N;
  if (fence === undefined)
    throw new Error(
      `This worker belongs to run ${options.run} of the migration, and a later one has begun: it is left over`,
    );
  return new FencedJournal(table, Number(fence), scopeOf(options.run));
}

/** What people have asked for in this run, first asked first. */
export async function asked(journal: Journal): Promise<Asked[]> {
  const commands = await journal.list<Command>("command/");
  return [...commands].map(([key, command]) => ({ id: key.slice("command/".length), command }));
}

/** Forgets what has been done. */
export async function answered(journal: Journal, { id }: Asked): Promise<void> {
  await journal.remove(`command/${id}`);
}

/** A change that waits for its transaction. */
interface Waiting {
  readonly key: string;
  readonly item: Item | undefined;
  readonly bytes: number;
  readonly done: PromiseWithResolvers<void>;
}

/**
 * Each transaction checks the fence, so two at once would be in conflict over it. Therefore one is under way at a time,
 * and what comes meanwhile goes together into the next.
 */
class FencedJournal implements Journal {
  readonly fence: number;
  readonly #table: DynamoTable;
  readonly #scope: string;
  #waiting: Waiting[] = [];
  #isWriting = false;
  #isDeposed = false;

  constructor(table: DynamoTable, fence: number, scope: string) {
    this.fence = fence;
    this.#table = table;
    this.#scope = scope;
  }

  get<T>(key: string): Promise<T | undefined> {
    return read<T>(this.#table, this.#scope + key);
  }

  list<T>(prefix: string): Promise<Map<string, T>> {
    return list<T>(this.#table, this.#scope, prefix);
  }

  async put(key: string, value: unknown): Promise<void> {
    const item = itemOf(this.#scope + key, value);
    const bytes = Buffer.byteLength(item.value?.S ?? "");
    if (bytes > valueBytes) throw new Error(`The journal takes values of ${valueBytes} bytes; ${key} has ${bytes}`);
    await this.#write({ key, item, bytes, done: Promise.withResolvers() });
  }

  async remove(key: string): Promise<void> {
    await this.#write({ key, item: undefined, bytes: 0, done: Promise.withResolvers() });
  }

  #write(change: Waiting): Promise<void> {
    this.#waiting.push(change);
    if (!this.#isWriting) void this.#writeAll();
    return change.done.promise;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      try {
        await this.#commit(batch);
        for (const { done } of batch) done.resolve();
      } catch (error) {
        for (const { done } of batch) done.reject(error);
      }
    }
    this.#isWriting = false;
  }

  #take(): Waiting[] {
    let bytes = 0;
    const end = this.#waiting.findIndex((change, index) => {
      bytes += change.bytes;
      return index === transactionLimit || bytes > transactionBytes;
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  async #commit(batch: Waiting[]): Promise<void> {
    if (this.#isDeposed) throw new Deposed(this.fence);
    const check: TransactWriteItem = {
      ConditionCheck: {
        TableName: this.#table.name,
        Key: attributes(fenceKey),
        ConditionExpression: "#value = :fence",
        ExpressionAttributeNames: { "#value": "value" },
        ExpressionAttributeValues: { ":fence": { N: String(this.fence) } },
      },
    };
    // A transaction may name a key only once: the last change of it counts.
    const last = new Map(batch.map((change) => [change.key, change]));
    const refusals = await this.#table.transact([check, ...[...last.values()].map((change) => this.#action(change))]);
    if (refusals.length === 0) return;
    this.#isDeposed = true;
    throw new Deposed(this.fence);
  }

  #action({ key, item }: Waiting): TransactWriteItem {
    const TableName = this.#table.name;
    return item
      ? { Put: { TableName, Item: item } }
      : { Delete: { TableName, Key: attributes({ pk: partition, sk: this.#scope + key }) } };
  }
}

function tableOf({ client, tableName, patience = workersPatience }: JournalTable): DynamoTable {
  return new DynamoTable({ client, name: tableName, patience });
}

function itemOf(sk: string, value: unknown): Item {
  return { ...attributes({ pk: partition, sk }), value: { S: JSON.stringify(value) } };
}

async function read<T>(table: DynamoTable, sk: string): Promise<T | undefined> {
  return valueOf<T>(await table.get({ pk: partition, sk }));
}

async function list<T>(table: DynamoTable, scope: string, prefix: string): Promise<Map<string, T>> {
  const found = new Map<string, T>();
  const from = scope + prefix;
  for await (const item of table.query({ pk: partition, from, to: `${from}\u{10ffff}` }))
    found.set(item.sk?.S?.slice(scope.length) ?? "", valueOf<T>(item) as T);
  return found;
}

function valueOf<T>(item: Item | undefined): T | undefined {
  const text = item?.value?.S;
  return text === undefined ? undefined : (JSON.parse(text) as T);
}
