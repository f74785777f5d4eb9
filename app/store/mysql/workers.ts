import { errors } from "../../domain/errors.ts";
import { type GrantedWindow, type WorkerLeases, workerShares } from "../workers.ts";
import type { Database, Value } from "./database.ts";

/** The database's clock in Unix milliseconds: one clock for all servers. */
const nowMs = "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000 AS UNSIGNED)";

/** How many free numbers are looked at; one of them is taken by chance, so that servers starting together rarely collide. */
const candidates = 32;

/** Collisions after which something else must be wrong. */
const tries = 50;

/**
 * Worker numbers in a table. A row says until when ids of its number may exist; a grant begins after that and moves it,
 * both in one compare-and-set. So windows never overlap, whatever servers' clocks do or how long one was frozen.
 */
export function mysqlWorkerLeases(database: Database): WorkerLeases {
  async function update(sql: string, values: Value[]): Promise<boolean> {
    return (await database.execute(sql, values)) > 0;
  }

  async function read(worker: number): Promise<{ until: number; now: number }> {
    const [row] = await database.read(`SELECT until_ms, ${nowMs} AS now FROM workers WHERE number = ?`, [worker]);
    if (!row) throw new Error(`worker number ${worker} is missing from the table workers`);
    return { until: Number(row.until_ms), now: Number(row.now) };
  }

  return {
    async claim(holder, duration) {
      for (let attempt = 0; attempt < tries; attempt++) {
        const rows = await database.read(
          `SELECT number, until_ms, ${nowMs} AS now FROM workers
           WHERE until_ms < ${nowMs} AND number < ? ORDER BY until_ms LIMIT ?`,
          [workerShares.mysql.count, candidates],
        );
        const free = rows[Math.floor(Math.random() * rows.length)];
        if (!free) throw errors.unavailable(new Error("all worker numbers are leased"));
        const [worker, until, now] = [Number(free.number), Number(free.until_ms), Number(free.now)];
        const granted: GrantedWindow = { worker, from: until + 1, until: now + duration, grantedAt: now };
        const isOurs = await update("UPDATE workers SET holder = ?, until_ms = ? WHERE number = ? AND until_ms = ?", [
          holder,
          granted.until,
          worker,
          until,
        ]);
        if (isOurs) return granted;
      }
      throw errors.unavailable(new Error(`no worker number could be leased in ${tries} tries`));
    },

    async renew(held, holder, duration) {
      const { until, now } = await read(held.worker);
      // An expired lease is not renewed even if nobody took it: its holder has stopped making ids by then.
      if (until !== held.until || until < now) return undefined;
      const extended = Math.max(until, now + duration);
      if (extended === until) return { ...held, grantedAt: now };
      const isOurs = await update("UPDATE workers SET until_ms = ? WHERE number = ? AND holder = ? AND until_ms = ?", [
        extended,
        held.worker,
        holder,
        until,
      ]);
      return isOurs ? { ...held, until: extended, grantedAt: now } : undefined;
    },

    async release(held, holder, last) {
      await update("UPDATE workers SET holder = '', until_ms = ? WHERE number = ? AND holder = ? AND until_ms = ?", [
        Math.max(last, held.from),
        held.worker,
        holder,
        held.until,
      ]);
    },
  };
}
