import { crc32 } from "node:zlib";

/**
 * Types of binlog events that matter here, by their codes in the protocol.
 *
 * MySQL: libbinlogevents/include/binlog_event.h. MariaDB: sql/log_event.h; its own begin at 160.
 */
export const eventTypes = {
  query: 2,
  stop: 3,
  rotate: 4,
  intVar: 5,
  random: 13,
  format: 15,
  userVariable: 14,
  xid: 16,
  executeLoadQuery: 18,
  tableMap: 19,
  writeRows1: 23,
  updateRows1: 24,
  deleteRows1: 25,
  incident: 26,
  heartbeat: 27,
  ignorable: 28,
  rowsQuery: 29,
  writeRows: 30,
  updateRows: 31,
  deleteRows: 32,
  gtid: 33,
  anonymousGtid: 34,
  previousGtids: 35,
  transactionContext: 36,
  viewChange: 37,
  xaPrepare: 38,
  partialUpdateRows: 39,
  transactionPayload: 40,
  heartbeat2: 41,
  gtidTagged: 42,
  annotateRows: 160,
  binlogCheckpoint: 161,
  mariaGtid: 162,
  gtidList: 163,
  startEncryption: 164,
  queryCompressed: 165,
  writeRowsCompressed1: 166,
  updateRowsCompressed1: 167,
  deleteRowsCompressed1: 168,
  writeRowsCompressed: 169,
  updateRowsCompressed: 170,
  deleteRowsCompressed: 171,
} as const;

const t = eventTypes;

/** Events that carry neither rows nor statements that change any. */
export const uninteresting: ReadonlySet<number> = new Set([
  t.stop,
  t.intVar,
  t.random,
  t.userVariable,
  t.heartbeat,
  t.heartbeat2,
  t.ignorable,
  t.rowsQuery,
  t.gtid,
  t.anonymousGtid,
  t.gtidTagged,
  t.previousGtids,
  t.transactionContext,
  t.viewChange,
  t.annotateRows,
  t.binlogCheckpoint,
  t.gtidList,
  t.startEncryption,
]);

/** Events that stand between transactions. */
export const betweenTransactions: ReadonlySet<number> = new Set([
  t.stop,
  t.previousGtids,
  t.viewChange,
  t.binlogCheckpoint,
  t.gtidList,
  t.startEncryption,
]);

/** Signs of life, which are in no file. */
export const heartbeats: ReadonlySet<number> = new Set([t.heartbeat, t.heartbeat2]);

/** What rows events do to their rows. */
export const rowKinds: ReadonlyMap<number, "insert" | "update" | "delete"> = new Map([
  [t.writeRows1, "insert"],
  [t.updateRows1, "update"],
  [t.deleteRows1, "delete"],
  [t.writeRows, "insert"],
  [t.updateRows, "update"],
  [t.deleteRows, "delete"],
]);

/** Rows events of MySQL's second version, which have a part of variable length before their rows. */
export const hasExtraData: ReadonlySet<number> = new Set([t.writeRows, t.updateRows, t.deleteRows]);

/** Events of rows that are not as whole, or not as plain, as they must be. All begin with the table's number. */
export const unreadableRows: ReadonlyMap<number, "compressed" | "partial-rows"> = new Map([
  [t.partialUpdateRows, "partial-rows"],
  [t.writeRowsCompressed1, "compressed"],
  [t.updateRowsCompressed1, "compressed"],
  [t.deleteRowsCompressed1, "compressed"],
  [t.writeRowsCompressed, "compressed"],
  [t.updateRowsCompressed, "compressed"],
  [t.deleteRowsCompressed, "compressed"],
]);

/** What every event begins with. */
export interface EventHeader {
  /** Unix time in seconds at which the statement began. */
  readonly at: number;
  readonly type: number;
  /** Low 32 bits of the byte after the event; 0 where it is in no file. */
  readonly next: number;
  /** Made up by the server for this connection: it is in no file. */
  readonly isArtificial: boolean;
  /** Readers that don't know the type may skip it. */
  readonly isIgnorable: boolean;
}

export const headerLength = 19;

/** Bytes of the checksum at the end of events, where there is one. */
export const checksumLength = 4;

export function readHeader(packet: Buffer): EventHeader {
  const flags = packet.readUInt16LE(17);
  return {
    at: packet.readUInt32LE(0),
    type: packet.readUInt8(4),
    next: packet.readUInt32LE(13),
    isArtificial: (flags & 0x20) !== 0,
    isIgnorable: (flags & 0x80) !== 0,
  };
}

/** A statement that the server logs as text. */
export interface QueryEvent {
  /** Database in which it ran. */
  readonly schema: string;
  readonly sql: string;
}

/** Length of a query event's fixed part; LOAD DATA's is longer. */
const queryHead = 13;
const loadQueryHead = queryHead + 13;

export function readQuery(type: number, body: Buffer): QueryEvent {
  const schemaLength = body.readUInt8(8);
  const head = type === t.executeLoadQuery ? loadQueryHead : queryHead;
  const start = head + body.readUInt16LE(11);
  const schema = body.toString("utf8", start, start + schemaLength);
  return { schema, sql: type === t.queryCompressed ? "" : body.toString("utf8", start + schemaLength + 1) };
}

/** How MariaDB begins what follows: a transaction or a statement by itself, and which of the former in two phases. */
export function readMariaGtid(body: Buffer): { readonly isTransaction: boolean; readonly isPrepared: boolean } {
  const flags = body.readUInt8(12);
  return { isTransaction: (flags & 1) === 0, isPrepared: (flags & 64) !== 0 };
}

/** Whether the event ends in a checksum, where nothing else tells. */
export function isChecked(packet: Buffer): boolean {
  const end = packet.length - checksumLength;
  return end > headerLength && packet.readUInt32LE(end) === crc32(packet.subarray(0, end));
}

/** Whether events of the file end in a checksum, by its first event. */
export function hasChecksum(formatBody: Buffer): boolean {
  return formatBody.readUInt8(formatBody.length - checksumLength - 1) === 1;
}
