import {
  betweenTransactions,
  checksumLength,
  type EventHeader,
  eventTypes as t,
  hasChecksum,
  headerLength,
  heartbeats,
  isChecked,
  readHeader,
  readMariaGtid,
  readQuery,
  rowKinds,
  uninteresting,
  unreadableRows,
} from "./events.ts";
import { Places } from "./places.ts";
import type { Position } from "./position.ts";
import { refusals } from "./refusals.ts";
import { PartialRows, readRows, type RowImages, type RowReader, rowReader, UnreadableColumns } from "./rows.ts";
import { type Followed, meaningOf } from "./statements.ts";
import { readTableId, readTableMap, readTableName } from "./table-map.ts";

/** Rows of one table that one event of the binlog changed. */
export interface RowsChanged {
  readonly table: string;
  readonly kind: "insert" | "update" | "delete";
  readonly rows: readonly RowImages[];
  /** Where reading goes on when these are done with. */
  readonly after: Position;
  /** Unix time in seconds at which their statement began. */
  readonly at: number;
  /** Size of the event. */
  readonly bytes: number;
}

/** What a followed binlog tells, in its order. */
export interface ChangeHandler {
  rows(changed: RowsChanged): void;
  /** A transaction is complete, of whatever tables. */
  boundary(after: Position, at: number): void;
}

/** Tables to follow, with the columns that each must have. */
export interface FollowedTables {
  readonly schema: string;
  readonly tables: ReadonlyMap<string, ReadonlySet<string>>;
}

/** A table as its rows are read; undefined where they are of no concern. */
type KnownTable = { readonly name: string; readonly reader: RowReader } | undefined;

/**
 * Makes changes of rows out of a server's events, and refuses whatever would lose some. One for each connection: the
 * events that describe tables come before their rows again and again.
 */
export class Reader {
  readonly #followed: FollowedTables;
  readonly #statements: Followed;
  readonly #handler: ChangeHandler;
  readonly #places: Places;
  readonly #tables = new Map<number, { readonly map: Buffer; readonly table: KnownTable }>();
  #hasChecksum = false;
  #inTransaction = false;
  #inTwoPhases = false;
  /** Whether the transaction has changed rows that are followed. */
  #hasChanged = false;

  constructor(from: Position, followed: FollowedTables, handler: ChangeHandler) {
    this.#followed = followed;
    this.#statements = { schema: followed.schema, tables: new Set(followed.tables.keys()) };
    this.#handler = handler;
    this.#places = new Places(from);
  }

  /** Where reading would go on if it ended now. */
  get position(): Position {
    return this.#places.resumable();
  }

  /**
   * Takes the next event.
   *
   * @throws StreamRefused when following on would lose changes
   */
  take(packet: Buffer): void {
    const header = readHeader(packet);
    if (header.type === t.rotate) return this.#rotate(packet, header);
    if (header.type === t.format) this.#hasChecksum = hasChecksum(packet.subarray(headerLength));
    // The first event of a file comes again on each connection, and heartbeats tell of what came before.
    const isInPlace = !header.isArtificial && header.type !== t.format && !heartbeats.has(header.type);
    if (isInPlace) this.#places.passed(header.next);
    if (header.type === t.format) return;
    if (uninteresting.has(header.type)) {
      // The end of a binlog may be one of these.
      if (isInPlace && betweenTransactions.has(header.type) && !this.#inTransaction) this.#end(header.at);
      return;
    }
    const body = packet.subarray(headerLength, packet.length - (this.#hasChecksum ? checksumLength : 0));
    try {
      this.#read(header, body);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw refusals.damaged(this.#places.here(), header.type, error);
    }
  }

  #read(header: EventHeader, body: Buffer): void {
    const { type, at } = header;
    const kind = rowKinds.get(type);
    if (kind) return this.#rows(header, kind, body);
    if (type === t.tableMap) return this.#describe(body);
    if (type === t.mariaGtid) {
      const { isTransaction, isPrepared } = readMariaGtid(body);
      this.#inTransaction = isTransaction;
      this.#inTwoPhases = isPrepared;
      return;
    }
    if (type === t.xid) return this.#end(at);
    if (type === t.xaPrepare) {
      if (this.#hasChanged) throw refusals.twoPhases(this.#places.here());
      return this.#end(at);
    }
    if (type === t.query || type === t.queryCompressed || type === t.executeLoadQuery)
      return this.#statement(header, body);
    if (type === t.transactionPayload) throw refusals.compressed(this.#places.here(), "binlog_transaction_compression");
    if (type === t.incident) throw refusals.incident(this.#places.here());
    const unreadable = unreadableRows.get(type);
    if (unreadable) return this.#unreadable(unreadable, body);
    if (!header.isIgnorable) throw refusals.notUnderstood(this.#places.here(), type);
  }

  /** The server goes on in another file, or says in which it begins. */
  #rotate(packet: Buffer, { isArtificial, next }: EventHeader): void {
    const offset = packet.readBigUInt64LE(headerLength);
    // Servers differ in whether the made-up ones end in a checksum.
    const file = packet.toString("utf8", headerLength + 8, packet.length - (isChecked(packet) ? checksumLength : 0));
    if (!isArtificial && next !== 0) this.#places.passed(next);
    if (this.#places.enter(file, offset)) {
      // A transaction that a file ends in was never committed.
      this.#inTransaction = false;
      this.#tables.clear();
    }
  }

  #describe(body: Buffer): void {
    const id = readTableId(body);
    const known = this.#tables.get(id);
    if (known?.map.equals(body)) return;
    this.#tables.set(id, { map: Buffer.from(body), table: this.#tableOf(body) });
  }

  #tableOf(body: Buffer): KnownTable {
    const { schema, table: name } = readTableName(body);
    const expected = schema === this.#followed.schema ? this.#followed.tables.get(name) : undefined;
    if (!expected) return undefined;
    const map = readTableMap(body);
    const names = map.columns.map((column) => column.name);
    if (names.includes(undefined)) throw refusals.namelessColumns(this.#places.here(), name);
    const [missing, added] = [
      [...expected].filter((column) => !names.includes(column)),
      names.filter((column) => !expected.has(column as string)) as string[],
    ];
    if (missing.length + added.length > 0) throw refusals.columns(this.#places.here(), name, { missing, added });
    try {
      return { name, reader: rowReader(map) };
    } catch (error) {
      if (!(error instanceof UnreadableColumns)) throw error;
      throw refusals.columnTypes(this.#places.here(), name, error.message);
    }
  }

  #rows({ type, at }: EventHeader, kind: "insert" | "update" | "delete", body: Buffer): void {
    const id = readTableId(body);
    const described = this.#tables.get(id);
    if (!described) {
      if (id === endOfStatement) return;
      throw refusals.notUnderstood(this.#places.here(), type);
    }
    const { table } = described;
    if (!table) return;
    if (this.#inTwoPhases) throw refusals.twoPhases(this.#places.here());
    const rows = this.#decode(type, kind, body, table);
    this.#hasChanged = true;
    const unread = this.#places.unread(rows);
    if (unread.length === 0) return;
    this.#handler.rows({
      table: table.name,
      kind,
      rows: unread,
      after: this.#places.resumable(),
      at,
      bytes: body.length + headerLength,
    });
  }

  #decode(type: number, kind: "insert" | "update" | "delete", body: Buffer, table: NonNullable<KnownTable>) {
    try {
      return readRows(type, kind, body, table.reader);
    } catch (error) {
      if (!(error instanceof PartialRows)) throw error;
      throw refusals.partialRows(this.#places.here(), table.name, "binlog_row_image is not FULL");
    }
  }

  #unreadable(refusal: "compressed" | "partial-rows", body: Buffer): void {
    const table = this.#tables.get(readTableId(body))?.table;
    if (!table) return;
    if (refusal === "compressed") throw refusals.compressed(this.#places.here(), "log_bin_compress");
    throw refusals.partialRows(this.#places.here(), table.name, "binlog_row_value_options is PARTIAL_JSON");
  }

  #statement({ type, at }: EventHeader, body: Buffer): void {
    const query = readQuery(type, body);
    if (type === t.queryCompressed) {
      if (query.schema === this.#followed.schema) throw refusals.compressed(this.#places.here(), "log_bin_compress");
      return this.#inTransaction ? undefined : this.#end(at);
    }
    const meaning = meaningOf(query, this.#statements);
    switch (meaning) {
      case "begin":
      case "xa":
        this.#inTransaction = true;
        this.#inTwoPhases = meaning === "xa";
        return;
      case "rollback":
        if (this.#hasChanged) throw refusals.undone(this.#places.here(), query.sql);
        // ROLLBACK TO ends a part of the transaction only.
        return /\bTO\b/i.test(query.sql) ? undefined : this.#end(at);
      case "savepoint":
        return;
      case "commit":
        return this.#end(at);
      case "nothing":
        return this.#inTransaction ? undefined : this.#end(at);
      default:
        throw refusals.statement(this.#places.here(), query.sql, meaning);
    }
  }

  #end(at: number): void {
    this.#inTransaction = false;
    this.#inTwoPhases = false;
    this.#hasChanged = false;
    this.#places.completed();
    this.#handler.boundary(this.#places.resumable(), at);
  }
}

/** Number of a table that stands for none: an event of it only ends a statement. */
const endOfStatement = 0xffffff;
