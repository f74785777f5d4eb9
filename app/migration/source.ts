import { setTimeout as pause } from "node:timers/promises";
import mysql, { type Pool, type RowDataPacket } from "mysql2/promise";
import type { Credentials } from "../aws/secrets.ts";
import { isConflict, isLoss, isRefusedLogin } from "../store/mysql/failures.ts";
import { connectionOptions, type DatabaseAddress } from "../store/mysql/login.ts";

/** A row as the driver gives it: 64-bit integers as strings, binary columns as buffers. */
export type SourceRow = Record<string, unknown>;

/** A database that rows are read from. */
export interface Source {
  /**
   * Rows of one statement. A database that goes away meanwhile is waited for, and a password that has rotated is read
   * again.
   *
   * @param timeout milliseconds before a statement without an answer is given up, and tried again. @default 60000
   * @throws the driver's error when it doesn't come back, and for what is no matter of waiting
   */
  rows(
    sql: string,
    values?: readonly (string | number | bigint | Buffer | null)[],
    timeout?: number,
  ): Promise<SourceRow[]>;
  close(): Promise<void>;
}

export interface SourceOptions {
  readonly address: DatabaseAddress;
  /** Reads the login afresh. */
  readonly credentials: () => Promise<Credentials>;
  /** Connections at most. @default 4 */
  readonly connections?: number;
  /** Milliseconds for which a database that doesn't answer is waited for. @default 20000 */
  readonly patience?: number;
}

/** Milliseconds before a statement without an answer is given up: reading a segment of a large table takes seconds. */
const statementTimeout = 60_000;

/** The same for one that reads a whole table: a copy that was just restored loads it from S3 first. */
export const wholeTable = 2 * 3600_000;

/** A few connections to a database, made as they are needed. */
export function openSource(options: SourceOptions): Source {
  return new PooledSource(options);
}

class PooledSource implements Source {
  readonly #options: Required<SourceOptions>;
  #pool: Promise<Pool> | undefined;
  #isClosed = false;

  constructor(options: SourceOptions) {
    this.#options = { connections: 4, patience: 20_000, ...options };
  }

  async rows(
    sql: string,
    values: readonly (string | number | bigint | Buffer | null)[] = [],
    timeout = statementTimeout,
  ): Promise<SourceRow[]> {
    const deadline = performance.now() + this.#options.patience;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#once(sql, values, timeout);
      } catch (error) {
        const isTransient = isLoss(error) || isConflict(error) || isRefusedLogin(error);
        const wait = Math.min(50 * 2 ** attempt, 2000) * (0.5 + Math.random() / 2);
        if (!isTransient || this.#isClosed || performance.now() + wait > deadline) throw error;
        await pause(wait);
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const pool = await this.#pool?.catch(() => undefined);
    await pool?.end().catch(() => {}); // connections that are gone already cannot be ended politely
  }

  async #once(sql: string, values: readonly unknown[], timeout: number): Promise<SourceRow[]> {
    this.#pool ??= this.#open();
    const opening = this.#pool;
    try {
      const [rows] = await (
        await opening
      ).query<RowDataPacket[]>({
        sql,
        // Written into the statement by the driver: a bigint as the exact number that it is.
        values: [...values],
        timeout,
      });
      return rows;
    } catch (error) {
      const isUnopened = await opening.then(
        () => false,
        () => true,
      );
      // The next attempt reads the password of then.
      if ((isUnopened || isRefusedLogin(error)) && this.#pool === opening) {
        this.#pool = undefined;
        void opening.then((pool) => pool.end()).catch(() => {});
      }
      throw error;
    }
  }

  async #open(): Promise<Pool> {
    const { address, credentials, connections } = this.#options;
    const pool = mysql.createPool({
      ...connectionOptions(address, await credentials()),
      database: address.database,
      connectionLimit: connections,
      queueLimit: 0,
    });
    pool.pool.on("connection", (connection) => {
      connection.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
      connection.query("SET SESSION time_zone = '+00:00'");
    });
    return pool;
  }
}
