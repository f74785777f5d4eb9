import type { Logger } from "pino";
import type { Connection } from "mysql2/promise";
import type { Secrets } from "../aws/secrets.ts";
import { askingBy, type Ask, currentPosition, identify, retentionHours } from "./binlog/server.ts";
import type { Position } from "./binlog/position.ts";
import type { OpenJournal } from "./journal.ts";
import type { Strategy } from "./model.ts";
import { preflight } from "./preflight/preflight.ts";
import { type Problem, textOf } from "./preflight/problem.ts";
import { ensureWorkerUser } from "./user.ts";

/** What is recorded when a run begins. */
export interface Begun {
  readonly run: number;
  readonly strategy: Strategy;
  /** Identity of the database server, as `identify` tells it. */
  readonly serverId: string;
  /** From there on changes are read; everything before is in what is copied. Null with dual writing. */
  readonly position: ReturnType<Position["toJSON"]> | null;
  /** ISO 8601. */
  readonly begunAt: string;
  /** Hours for which the binlog is kept; null when it is for ever, or not read. */
  readonly retentionHours: number | null;
}

export interface BeginOptions {
  /** Connection of the administrator in the service's database on the primary. */
  readonly admin: Connection;
  readonly database: string;
  readonly secrets: Pick<Secrets, "read" | "write">;
  /** Secret of the worker's database user; given a value here. */
  readonly workerSecret: string;
  readonly journal: Pick<OpenJournal, "begun" | "begin">;
  /** Counts the migrations of the stack, from 1. */
  readonly run: number;
  readonly strategy: Strategy;
  readonly log: Pick<Logger, "info">;
}

/** A migration would lose data as things are; the message has every problem. */
export class PreflightFailed extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const list = problems.map((problem) => `  - ${textOf(problem)}`).join("\n");
    super(`The migration was not begun, and no row was touched. Put this right, then run the update again:\n${list}`);
    this.name = "PreflightFailed";
    this.problems = problems;
  }
}

/** Hours for which RDS is asked to keep the binlog: as long as it can. */
const rdsRetention = 168;

/**
 * Begins a run of the migration, once: what it records is returned again when it is repeated.
 *
 * The order matters. The worker's user is in the snapshot that is taken next, so that the copy knows it. The position
 * comes before the snapshot: changes between the two come twice, which changes nothing. With dual writing, every write
 * that could still go without the outbox has ended when the switch returns.
 *
 * @throws PreflightFailed with everything that stands in the way
 */
export async function beginMigration(options: BeginOptions): Promise<Begun> {
  const { admin, database, secrets, workerSecret, journal, run, strategy, log } = options;
  const before = await journal.begun<Begun>(run);
  if (before && before.strategy !== strategy)
    throw new Error(`Run ${run} of the migration has begun with ${before.strategy}, and cannot go on with ${strategy}`);
  if (before) return before;
  const ask = askingBy(admin);
  const readsBinlog = strategy !== "dual-write";
  if (readsBinlog) await keepBinlog(ask);
  const problems = await preflight(ask, { schema: database, strategy });
  if (problems.length > 0) throw new PreflightFailed(problems);
  await ensureWorkerUser(admin, { database, strategy, secrets, secretId: workerSecret });
  // Off, too: an earlier run that wrote it may have been given up before it was ended.
  await switchOutbox(admin, !readsBinlog);
  const begun: Begun = {
    run,
    strategy,
    serverId: (await identify(ask)).identity,
    position: readsBinlog ? (await firstPosition(ask)).toJSON() : null,
    begunAt: new Date().toISOString(),
    retentionHours: readsBinlog ? await retentionHours(ask) : null,
  };
  const recorded = await journal.begin(run, begun);
  log.info(recorded, "the migration has begun");
  return recorded;
}

/** Ends the servers' part in a migration: nobody reads their outbox any more. What was moved stays. */
export async function endMigration(admin: Connection): Promise<void> {
  await switchOutbox(admin, false);
}

/** Waits for every open write, as each has read this row with a shared lock; those that come after see it. */
async function switchOutbox(admin: Connection, on: boolean): Promise<void> {
  const sql = "UPDATE control SET outbox = ?, version = version + 1 WHERE id = 1 AND outbox <> ?";
  await admin.query(sql, [+on, +on]).catch((error: { code?: string }) => {
    if (error.code !== "ER_LOCK_WAIT_TIMEOUT") throw error;
    throw new Error(
      "A transaction on the database has been open for so long that the outbox could not be switched " +
        `${on ? "on" : "off"}. Find it with SHOW FULL PROCESSLIST, end it, and run the update again.`,
      { cause: error },
    );
  });
}

/** RDS removes the binlog as soon as it is backed up, unless told otherwise. */
async function keepBinlog(ask: Ask): Promise<void> {
  try {
    await ask(`CALL mysql.rds_set_configuration('binlog retention hours', ${rdsRetention})`);
  } catch (error) {
    const { code } = error as { code?: string };
    // Not on RDS: its own settings count, and are checked next.
    if (code !== "ER_SP_DOES_NOT_EXIST") throw error;
  }
}

/** A server is asked for a place by 32 bits; where its file is larger, a new file is begun. */
async function firstPosition(ask: Ask): Promise<Position> {
  const position = await currentPosition(ask);
  if (position.offset < 2n ** 32n) return position;
  await ask("FLUSH BINARY LOGS");
  return currentPosition(ask);
}
