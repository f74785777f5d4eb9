import type { Connection, ResultSetHeader, RowDataPacket } from "mysql2/promise";
import { firstVersion } from "../../domain/version.ts";
import type { Control } from "./states.ts";
import { times } from "./times.ts";

/** A control row as a query returns it. */
export function parseControl(row: object | undefined): Control {
  const { record, epoch } = (row ?? {}) as { record?: unknown; epoch?: unknown };
  if (record !== "mysql" && record !== "moving" && record !== "dynamodb")
    throw new Error(`The table control says that the record is ${JSON.stringify(record)}, which nobody knows`);
  return { record, epoch: BigInt(epoch as number) };
}

/**
 * MySQL's half of the record: the row that every write reads with a shared lock. Changing it waits for every write that
 * is open and stops whoever comes after, so a change that has returned is a fence.
 *
 * Each change is bound to the epoch of its switch, so that one that comes late, from whoever was thought dead, changes
 * nothing; doing one again does neither.
 */
export class ControlRow {
  readonly #connect: () => Promise<Connection>;
  readonly #connectAsServer: () => Promise<Connection>;

  /**
   * @param connect opens a connection in the database as the administrator, who may change the row and see transactions
   * @param connectAsServer opens one as the servers' user: its own connections any user may end, others' on RDS hardly
   * anybody
   */
  constructor(connect: () => Promise<Connection>, connectAsServer: () => Promise<Connection>) {
    this.#connect = connect;
    this.#connectAsServer = connectAsServer;
  }

  read(): Promise<Control> {
    return this.#using(read);
  }

  /** Takes the record from MySQL for the switch of this epoch, unless that row belongs to a later one. */
  fence(epoch: bigint): Promise<Control> {
    return this.#set("moving", epoch, "record IN ('mysql', 'moving') AND epoch < ?", [epoch]);
  }

  /** Gives the record to MySQL: after the switch of this epoch was called off, or as the return of this epoch. */
  give(epoch: bigint): Promise<Control> {
    return this.#set("mysql", epoch, "(epoch < ? OR (epoch = ? AND record = 'moving'))", [epoch, epoch]);
  }

  /** Notes for people and for whoever reads the binlog that DynamoDB has the record since this epoch. */
  note(epoch: bigint): Promise<Control> {
    return this.#set("dynamodb", epoch, "epoch = ? AND record = 'moving'", [epoch]);
  }

  #set(record: Control["record"], epoch: bigint, condition: string, values: bigint[]): Promise<Control> {
    return this.#using(async (connection) => {
      const changing = connection.query<ResultSetHeader>(
        `UPDATE control SET record = ?, epoch = ?, version = GREATEST(version + 1, ?) WHERE id = 1 AND ${condition}`,
        [record, String(epoch), String(firstVersion(epoch)), ...values.map(String)],
      );
      await this.#whileEndingStuckWrites(changing, connection.threadId);
      return read(connection);
    });
  }

  /**
   * Waits for a change, and meanwhile ends the connections of open writes that stand still: of a server that is frozen,
   * or gone without a word. Its write is rolled back; woken up, it runs it again and finds the fence.
   */
  async #whileEndingStuckWrites(changing: Promise<unknown>, ours: number): Promise<void> {
    const done = changing.then(
      () => true,
      () => true,
    );
    let earlier = new Set<string>();
    while (!(await Promise.race([done, pause(times.stuckAfter)]))) {
      const open = await this.#using((second) => idleTransactions(second, ours));
      const stuck = [...open].filter(([transaction]) => earlier.has(transaction)).map(([, thread]) => thread);
      earlier = new Set(open.keys());
      if (stuck.length > 0) await using(this.#connectAsServer, (server) => end(server, stuck));
    }
    await changing;
  }

  #using<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return using(this.#connect, work);
  }
}

async function using<T>(connect: () => Promise<Connection>, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await connect();
  try {
    return await work(connection);
  } finally {
    await connection.end().catch(() => connection.destroy()); // it may be gone already
  }
}

async function read(connection: Connection): Promise<Control> {
  const [[row]] = await connection.query<RowDataPacket[]>("SELECT record, epoch FROM control WHERE id = 1");
  return parseControl(row);
}

/** Transactions in this database that hold locks and wait for their client's next statement, with their connections. */
async function idleTransactions(connection: Connection, ours: number): Promise<Map<string, number>> {
  const [rows] = await connection.query<RowDataPacket[]>(
    `SELECT t.trx_id AS transaction, t.trx_mysql_thread_id AS thread
     FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
     WHERE p.db = DATABASE() AND p.command = 'Sleep' AND t.trx_rows_locked > 0 AND p.id <> ?`,
    [ours],
  );
  return new Map(rows.map((row) => [String(row.transaction), Number(row.thread)]));
}

/** Ends connections of the same user; one that is gone already, or is somebody else's, stays as it is. */
async function end(connection: Connection, threads: readonly number[]): Promise<void> {
  for (const thread of threads)
    await connection.query(`KILL CONNECTION ${thread}`).catch((error: { code?: string }) => {
      if (error.code !== "ER_NO_SUCH_THREAD" && error.code !== "ER_KILL_DENIED_ERROR") throw error;
    });
}

function pause(milliseconds: number): Promise<false> {
  return new Promise((resolve) => setTimeout(() => resolve(false), milliseconds));
}
