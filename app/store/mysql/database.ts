import mysql, { type Pool, type PoolConnection, type ResultSetHeader, type RowDataPacket } from "mysql2/promise";
import type { Credentials } from "../../aws/secrets.ts";
import { errors } from "../../domain/errors.ts";
import { firstVersion, type Version } from "../../domain/version.ts";
import { isMapped } from "../dynamodb/mapping.ts";
import { isConflict, isLoss, isOverload, isRefusedLogin } from "./failures.ts";
import { connectionOptions, type DatabaseAddress } from "./login.ts";
import { noteChanges, type OutboxEntry } from "./outbox.ts";
import { type ChangedRow, changedTable, makeRowKey } from "./row-keys.ts";

/** What a statement may be given. Integers become BIGINT UNSIGNED; ids are passed as BigInt. */
export type Value = string | number | bigint | Buffer | null;

/** A result row. 64-bit integers arrive as strings, binary columns as buffers. */
export type Row = Record<string, unknown>;

/**
 * Connections: with one more for the record, ten servers stay within the 100 or so that the smallest database class
 * accepts. The patience is a person's.
 */
const usualLimits: DatabaseLimits = { connections: 8, patience: 2_500 };

/** Milliseconds before a statement without an answer is given up and its connection with it. */
const statementTimeout = 10_000;

/** Statements that may wait for a connection; beyond that the server is overloaded and says so. */
const queueLimit = 400;

export interface DatabaseOptions {
  readonly address: DatabaseAddress;
  /** Reads the login afresh; called at the start and whenever the login is refused. */
  readonly credentials: () => Promise<Credentials>;
  /**
   * Told of each committed entry of the outbox by whom it came about; must neither throw nor take time. Without it, the
   * batch writer may take entries at once.
   */
  readonly onEntry?: (entry: OutboxEntry) => void;
  /** @default 8 connections, 2500 ms of patience */
  readonly limits?: DatabaseLimits;
}

export interface DatabaseLimits {
  readonly connections: number;
  /** Milliseconds during which a failed operation is tried again. */
  readonly patience: number;
}

/** Pooled, prepared access to the database that survives deadlocks, lost connections and rotated passwords. */
export class Database {
  readonly #options: DatabaseOptions;
  readonly #limits: DatabaseLimits;
  #pool: Promise<Pool> | undefined;
  #closed = false;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#limits = options.limits ?? usualLimits;
  }

  /** Reads rows by one prepared statement. */
  read(sql: string, values: Value[] = []): Promise<Row[]> {
    return this.#retrying((connection) => select(connection, sql, values));
  }

  /**
   * Runs one transaction on the versioned rows. It first reads the control row with a shared lock: whoever changes the
   * store of record waits for this transaction and stops the next. (LOCK IN SHARE MODE, as MariaDB has no FOR SHARE.)
   * While that row says so, the transaction also writes down in the outbox which rows it changed.
   *
   * `work` may run several times, also after a commit whose answer was lost: it must do nothing the second time.
   *
   * @throws AppError `moving_house` when another store is the record
   */
  write<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#retrying(async (connection) => {
      await connection.query("START TRANSACTION");
      const [control] = await select(
        connection,
        "SELECT record, epoch, outbox FROM control WHERE id = 1 LOCK IN SHARE MODE",
        [],
      );
      if (control?.record !== "mysql") throw errors.notTheRecord(String(control?.record));
      const transaction = new Transaction(connection, firstVersion(BigInt(control.epoch as number)));
      const result = await work(transaction);
      const { onEntry } = this.#options;
      const entry = control.outbox === 1 ? await noteChanges(transaction, onEntry !== undefined) : undefined;
      await connection.query("COMMIT");
      if (entry) onEntry?.(entry);
      return result;
    });
  }

  /** Runs one transaction outside the versioned rows, whichever store is the record. */
  unversioned<T>(work: (transaction: UnversionedTransaction) => Promise<T>): Promise<T> {
    return this.#retrying(async (connection) => {
      await connection.query("START TRANSACTION");
      const result = await work(new UnversionedTransaction(connection));
      await connection.query("COMMIT");
      return result;
    });
  }

  /** Runs one statement outside the versioned rows, such as a worker's lease. Returns the number of rows it changed. */
  async execute(sql: string, values: Value[]): Promise<number> {
    assertUnversioned(sql);
    return this.#retrying(async (connection) => (await change(connection, sql, values)).affectedRows);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const pool = await this.#pool?.catch(() => undefined);
    await pool?.end().catch(() => {}); // a connection that is gone already cannot be ended politely
  }

  async #retrying<T>(operation: (connection: PoolConnection) => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.#limits.patience;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#once(operation);
      } catch (error) {
        if (isOverload(error)) throw errors.unavailable(error);
        const isTransient = isConflict(error) || isLoss(error) || isRefusedLogin(error);
        if (!isTransient) throw error;
        // Doubling, with chance, so that those who collided don't meet again.
        const pause = Math.min(10 * 2 ** attempt, 500) * (0.5 + Math.random());
        if (this.#closed || performance.now() + pause > deadline) throw errors.unavailable(error);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  async #once<T>(operation: (connection: PoolConnection) => Promise<T>): Promise<T> {
    const connection = await this.#connection();
    try {
      const result = await operation(connection);
      connection.release();
      return result;
    } catch (error) {
      // After a lost connection nothing can be rolled back, and after a timeout an answer may still arrive.
      if (isLoss(error)) connection.destroy();
      else
        await connection.query("ROLLBACK").then(
          () => connection.release(),
          () => connection.destroy(),
        );
      throw error;
    }
  }

  async #connection(): Promise<PoolConnection> {
    this.#pool ??= this.#open();
    const opening = this.#pool;
    try {
      return await (await opening).getConnection();
    } catch (error) {
      // The next attempt opens a pool with the password of then. Connections in use are finished by their users.
      const isUnopened = await opening.then(
        () => false,
        () => true,
      );
      if ((isUnopened || isRefusedLogin(error)) && this.#pool === opening) {
        this.#pool = undefined;
        void opening.then((pool) => pool.end()).catch(() => {});
      }
      throw error;
    }
  }

  async #open(): Promise<Pool> {
    const { address, credentials } = this.#options;
    const pool = mysql.createPool({
      ...connectionOptions(address, await credentials().catch((error) => Promise.reject(errors.unavailable(error)))),
      database: address.database,
      connectionLimit: this.#limits.connections,
      queueLimit,
    });
    pool.pool.on("connection", (connection) => {
      // Before anything else on each new connection. READ COMMITTED takes no gap locks: fewer deadlocks.
      connection.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
      connection.query(
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES', innodb_lock_wait_timeout = 5, time_zone = '+00:00'",
      );
    });
    return pool;
  }
}

/** An open transaction. */
export class UnversionedTransaction {
  readonly #connection: PoolConnection;

  constructor(connection: PoolConnection) {
    this.#connection = connection;
  }

  read(sql: string, values: Value[]): Promise<Row[]> {
    return select(this.#connection, sql, values);
  }

  /** Changes rows of a table that does not migrate. */
  async changeUnversioned(sql: string, values: Value[]): Promise<ResultSetHeader> {
    assertUnversioned(sql);
    return change(this.#connection, sql, values);
  }
}

/** An open transaction that has read the control row. */
export class Transaction extends UnversionedTransaction {
  readonly #connection: PoolConnection;
  readonly #changed = new Set<string>();
  /** What an insert's version is, and the least that an update's can be: `GREATEST(version + 1, first)`. */
  readonly first: Version;

  constructor(connection: PoolConnection, first: Version) {
    super(connection);
    this.#connection = connection;
    this.first = first;
  }

  /**
   * Changes one row of a table that migrates, named here by its key so that the outbox can name it.
   *
   * @returns how many rows changed; `INSERT … ON DUPLICATE KEY UPDATE` says 1 inserted, 2 updated, 0 as it was
   * @throws Error when the statement is about another table than the one declared
   */
  async change(row: ChangedRow, sql: string, values: Value[]): Promise<number> {
    const [table] = row;
    if (changedTable(sql) !== table) throw new Error(`declared to change a row of ${table}: ${sql}`);
    const { affectedRows } = await change(this.#connection, sql, values);
    if (affectedRows > 0) this.#changed.add(makeRowKey(row));
    return affectedRows;
  }

  /** Keys of the rows that have changed, each once. */
  get changed(): readonly string[] {
    return [...this.#changed];
  }

  /** Counts up or down what this transaction changes. */
  async count(table: keyof typeof counterKeys, counter: string, step: 1 | -1, id: bigint): Promise<void> {
    await this.change(
      [table, id],
      `UPDATE ${table} SET ${counter} = ${counter} ${step === 1 ? "+" : "-"} 1, version = GREATEST(version + 1, ?)
       WHERE ${counterKeys[table]} = ?`,
      [this.first, id],
    );
  }
}

/** Counters and the columns they are found by. */
const counterKeys = { user_counters: "user_id", post_counters: "post_id" } as const;

async function select(connection: PoolConnection, sql: string, values: Value[]): Promise<Row[]> {
  const [rows] = await connection.execute<RowDataPacket[]>(statement(sql, values));
  return rows;
}

async function change(connection: PoolConnection, sql: string, values: Value[]): Promise<ResultSetHeader> {
  const [result] = await connection.execute<ResultSetHeader>(statement(sql, values));
  return result;
}

/** A row that migrates is changed by a transaction only, which names it. */
function assertUnversioned(sql: string): void {
  if (isMapped(changedTable(sql))) throw new Error(`changes a row that migrates without naming it: ${sql}`);
}

/** JavaScript numbers would be sent as DOUBLE, in which ids and versions lose digits and LIMIT is refused. */
function statement(sql: string, values: Value[]) {
  const typed = values.map((value) =>
    typeof value === "bigint" || typeof value === "number" ? mysql.TypedParameter.LONGLONG.unsigned(value) : value,
  );
  return { sql, values: typed, timeout: statementTimeout };
}
