import {
  BatchExecuteStatementCommand,
  type BatchStatementRequest,
  type DynamoDBClient,
  PutItemCommand,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import { guardedPut, type Origin, type Outcome, refusedBecause, withOrigin } from "../../store/dynamodb/apply.ts";
import { isRefused, reasons } from "../../store/dynamodb/failures.ts";
import type { Item } from "../../store/dynamodb/items.ts";

/**
 * What a request did to one of its items:
 * - an outcome: it is settled
 * - `exists`: an insert found something there; only a guarded put can tell what it means
 * - `throttled`: refused for want of throughput
 * - `contended`: somebody else was changing the same item
 * - `untouched`: nothing happened to it, because of others in its request
 */
export type Verdict = Outcome | "exists" | "throttled" | "contended" | "untouched";

/** An item to be written, and who applies it. */
export interface Write {
  readonly item: Item;
  readonly origin: Origin;
}

/** One way of writing items. */
export interface Way {
  /** Most items of one request. */
  readonly limit: number;
  /** @throws Error when the whole request failed, or when one of its items is refused for good */
  write(client: DynamoDBClient, tableName: string, writes: readonly Write[]): Promise<Verdict[]>;
}

/** Codes by which one statement of a batch, one action of a transaction, or a whole request is refused for a moment. */
const throttling = new Set<unknown>([
  "ProvisionedThroughputExceeded",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ThrottlingError",
  "ThrottlingException",
]);
const contention = new Set<unknown>([
  "TransactionConflict",
  "TransactionConflictException",
  "TransactionInProgressException",
]);

/** An error of the table itself: how it behaves is a matter of throughput, too. */
const internal = "InternalServerError";

/**
 * A batch in which every item is guarded by itself. The quickest way where throughput is plenty, but each item costs twice
 * as much of it, and one that is refused keeps all others of its request from being written.
 */
export const transactions: Way = {
  limit: 100,
  async write(client, tableName, writes) {
    const [only, ...more] = writes.map(({ item, origin }) => guardedPut(tableName, item, origin));
    try {
      // A transaction of one would cost twice as much as a plain put.
      if (only && more.length === 0) await client.send(new PutItemCommand(only));
      else {
        const puts = [only, ...more].map((Put) => ({ Put }));
        await client.send(new TransactWriteItemsCommand({ TransactItems: puts }));
      }
      return writes.map(() => "applied");
    } catch (error) {
      return verdictsOf(error, writes);
    }
  },
};

/** One guarded put: the cheapest for what may well be there, whatever becomes of others. */
export const singlePuts: Way = { limit: 1, write: transactions.write };

/** A batch of inserts, each of which succeeds or fails by itself: the cheapest way where throughput is short. */
export const insertStatements: Way = {
  limit: 25,
  async write(client, tableName, writes) {
    const Statements = writes.map((write) => insertStatement(tableName, write));
    let answers;
    try {
      answers = (await client.send(new BatchExecuteStatementCommand({ Statements }))).Responses ?? [];
    } catch (error) {
      return verdictsOf(error, writes);
    }
    return writes.map(({ item }, index) => {
      const { Code, Message } = answers[index]?.Error ?? {};
      if (Code === undefined) return "applied";
      if (Code === "DuplicateItem") return "exists";
      if (throttling.has(Code) || Code === internal) return "throttled";
      if (contention.has(Code)) return "contended";
      throw new Error(`DynamoDB refuses to insert ${item.pk?.S}/${item.sk?.S}: ${Code}: ${Message}`);
    });
  },
};

function insertStatement(tableName: string, { item, origin }: Write): BatchStatementRequest {
  const attributes = Object.entries(withOrigin(item, origin));
  const places = attributes.map(([name]) => `'${name}': ?`).join(", ");
  return {
    Statement: `INSERT INTO "${tableName}" VALUE {${places}}`,
    Parameters: attributes.map(([, value]) => value),
  };
}

function verdictsOf(error: unknown, writes: readonly Write[]): Verdict[] {
  const { name } = error as Error;
  if (throttling.has(name)) return writes.map(() => "throttled");
  if (contention.has(name)) return writes.map(() => "contended");
  const actions = reasons(error);
  if (actions.length > 0) return writes.map(({ item }, index) => verdictOf(actions[index], item, error));
  if (!isRefused(error)) throw error;
  return writes.map(({ item }) => refusedBecause((error as { Item?: Item }).Item, item));
}

function verdictOf(reason: ReturnType<typeof reasons>[number] = {}, item: Item, cause: unknown): Verdict {
  const { Code = "None", Item: found } = reason;
  if (Code === "None") return "untouched";
  if (Code === "ConditionalCheckFailed") return refusedBecause(found as Item | undefined, item);
  if (throttling.has(Code)) return "throttled";
  if (contention.has(Code)) return "contended";
  throw new Error(`DynamoDB refuses ${item.pk?.S}/${item.sk?.S}: ${Code}`, { cause });
}
