import { errors } from "../../domain/errors.ts";
import { type WorkerLeases, type WorkerShare, workerShares } from "../workers.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { keys } from "./keys.ts";

/** Numbers tried before something else must be wrong: with half of all taken, one in 2^50 would need more. */
const tries = 50;

export interface WorkerLeasesOptions {
  /** The time in Unix milliseconds. @default this machine's */
  readonly clock?: () => number;
  /** Numbers that are granted. @default DynamoDB's share */
  readonly share?: WorkerShare;
}

/**
 * Worker numbers as items. An item says until when ids of its number may exist; a grant begins after that and moves it,
 * both in one conditional write. So windows never overlap, whatever servers' clocks do. A clock only says which leases
 * are over, and DynamoDB tells none: the server's own has to do.
 */
export function dynamoWorkerLeases(
  table: DynamoTable,
  { clock = Date.now, share = workerShares.dynamodb }: WorkerLeasesOptions = {},
): WorkerLeases {
  async function read(worker: number): Promise<{ until: number; holder: string }> {
    const item = await table.get(keys.worker(worker));
    return { until: Number(item?.until_ms?.N ?? 0), holder: item?.holder?.S ?? "" };
  }

  /** Moves the end of the number's window, unless somebody else has moved it. */
  async function move(worker: number, holder: string, was: number, until: number): Promise<boolean> {
    const changed = await table.update(keys.worker(worker), {
      UpdateExpression: "SET holder = :holder, until_ms = :until, #type = :type",
      ConditionExpression: was === 0 ? "attribute_not_exists(pk) OR until_ms = :was" : "until_ms = :was",
      ExpressionAttributeNames: { "#type": "type" },
      ExpressionAttributeValues: {
        ":holder": { S: holder },
        ":until": { N: String(until) },
        ":was": { N: String(was) },
        ":type": { S: "worker" },
      },
    });
    return changed !== undefined;
  }

  return {
    async claim(holder, duration) {
      for (let attempt = 0; attempt < tries; attempt++) {
        const worker = share.first + Math.floor(Math.random() * share.count);
        const { until: was } = await read(worker);
        const now = clock();
        if (was >= now) continue;
        const until = now + duration;
        if (await move(worker, holder, was, until)) return { worker, from: was + 1, until, grantedAt: now };
      }
      throw errors.unavailable(new Error(`no worker number could be leased in ${tries} tries`));
    },

    async renew(held, holder, duration) {
      const current = await read(held.worker);
      const now = clock();
      // An expired lease is not renewed even if nobody took it: its holder has stopped making ids by then.
      if (current.until !== held.until || current.holder !== holder || current.until < now) return undefined;
      const until = Math.max(held.until, now + duration);
      if (!(await move(held.worker, holder, held.until, until))) return undefined;
      return { ...held, until, grantedAt: now };
    },

    async release(held, holder, last) {
      const current = await read(held.worker);
      if (current.until !== held.until || current.holder !== holder) return;
      await move(held.worker, "", held.until, Math.max(last, held.from));
    },
  };
}
