import { randomBytes } from "node:crypto";
import { type BinLogEvent, type BinLogRowEvent, ZongJi } from "@powersync/mysql-zongji";
import type { RowDataPacket } from "mysql2/promise";
import { isMapped, readRow, rowKey } from "../../app/store/dynamodb/mapping.ts";
import type { TestDatabase } from "./test-database.ts";
import { until } from "./wait.ts";

/** What one transaction did, as the database itself wrote it down. */
export interface SeenTransaction {
  /** Keys of the rows that migrate and that it changed, in order. */
  readonly changed: string[];
  /** Keys that it put into the outbox, in order; undefined when it put nothing there. */
  outbox?: string[];
  /** What it set `control.outbox` to, if it did. */
  switched?: boolean;
}

/** Follows a database's binlog, transaction by transaction, in the order of their commits. */
export class BinlogTransactions {
  readonly #database: TestDatabase;
  readonly #reader: ZongJi;
  readonly #seen: SeenTransaction[] = [];
  readonly #marks = new Set<string>();
  #open: SeenTransaction = { changed: [] };
  #failure: unknown;

  /** Starts to follow from now on. */
  static async start(database: TestDatabase): Promise<BinlogTransactions> {
    const admin = await database.connect();
    await admin.query("CREATE TABLE IF NOT EXISTS marks (mark VARCHAR(40) PRIMARY KEY)");
    const [[status]] = await admin.query<RowDataPacket[]>("SHOW MASTER STATUS");
    const transactions = new BinlogTransactions(database);
    transactions.#reader.start({
      filename: status?.File,
      position: Number(status?.Position),
      serverId: 1000 + randomBytes(2).readUInt16BE(),
      includeEvents: ["tablemap", "writerows", "updaterows", "deleterows", "xid", "rotate"],
      includeSchema: { [database.address.database]: true },
    });
    return transactions;
  }

  private constructor(database: TestDatabase) {
    this.#database = database;
    const { host, port } = database.address;
    const { username: user, password } = database.admin;
    this.#reader = new ZongJi({ host, port, user, password });
    this.#reader.on("error", (error) => (this.#failure ??= error));
    this.#reader.on("binlog", (event: BinLogEvent) => {
      try {
        this.#read(event);
      } catch (error) {
        this.#failure ??= error;
      }
    });
  }

  /** Every transaction that was committed so far. */
  async all(): Promise<readonly SeenTransaction[]> {
    const mark = randomBytes(16).toString("hex");
    await (await this.#database.connect()).query("INSERT INTO marks VALUES (?)", [mark]);
    await until(() => this.#failure ?? this.#marks.has(mark), {
      timeout: 60_000,
      describe: "the binlog is read to its end",
    });
    if (this.#failure) throw this.#failure as Error;
    return this.#seen;
  }

  stop(): void {
    this.#reader.stop();
  }

  #read(event: BinLogEvent): void {
    const name = event.getEventName();
    if (name === "xid") {
      this.#seen.push(this.#open);
      this.#open = { changed: [] };
    }
    if (!name.endsWith("rows")) return;
    const { rows, tableMap, tableId } = event as BinLogRowEvent;
    const table = tableMap[tableId]?.tableName ?? "";
    for (const row of rows) this.#note(table, name, name === "updaterows" ? row.after : row);
  }

  #note(table: string, event: string, row: Record<string, unknown>): void {
    const open = this.#open;
    if (isMapped(table)) {
      const key = rowKey(table, readRow(table, row));
      if (!open.changed.includes(key)) open.changed.push(key);
    }
    if (table === "outbox" && event === "writerows") open.outbox = JSON.parse(row.changed as string) as string[];
    if (table === "control") open.switched = Number(row.outbox) === 1;
    if (table === "marks") this.#marks.add(row.mark as string);
  }
}
