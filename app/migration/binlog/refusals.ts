import type { Position } from "./position.ts";
import { beginAgain, StreamRefused } from "./refused.ts";
import type { StatementMeaning } from "./statements.ts";

const shown = 120;

const quote = (sql: string) => {
  const line = sql.replaceAll(/\s+/g, " ").trim();
  return line.length > shown ? `${line.slice(0, shown)}…` : line;
};

const list = (names: readonly string[]) => names.join(", ");

/** Everything for which a binlog is not followed any further, each with what to do. */
export const refusals = {
  serverChanged: (from: Position, found: string) =>
    new StreamRefused(
      "server-changed",
      `The binlog position ${from} is of the server ${from.server}, and ${found} answers: another server, or one that was ` +
        "restored, whose binlog has other contents under the same names.",
      `If the address is wrong, correct it. If the database was replaced: ${beginAgain}`,
    ),
  purged: (from: Position, said: string) =>
    new StreamRefused(
      "purged",
      `The server has no binlog at ${from} any more (${said}).`,
      `${beginAgain} See first that the binlog is kept long enough: CALL mysql.rds_set_configuration('binlog retention ` +
        "hours', 168) on RDS, binlog_expire_logs_seconds elsewhere.",
    ),
  unreadable: (from: Position, said: string) =>
    new StreamRefused("not-understood", `The server cannot send its binlog from ${from} on: ${said}.`, beginAgain),
  rights: (user: string, said: string) =>
    new StreamRefused(
      "rights",
      `The database user ${user} may not read the binlog (${said}).`,
      `GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO '${user}'@'%'.`,
    ),
  compressed: (at: Position, setting: string) =>
    new StreamRefused(
      "compressed",
      `A transaction that ends at ${at} is compressed, and its rows cannot be seen: ${setting} is on, for all or in the ` +
        "session that wrote it.",
      `Turn ${setting} off. ${beginAgain}`,
    ),
  partialRows: (at: Position, table: string, why: string) =>
    new StreamRefused(
      "partial-rows",
      `Rows of ${table} before ${at} are not there whole: ${why}, for all or in the session that wrote them.`,
      `Have whole rows logged. ${beginAgain}`,
    ),
  statement: (at: Position, sql: string, meaning: Exclude<StatementMeaning, string>) => {
    const what = `The statement before ${at}, ${JSON.stringify(quote(sql))},`;
    switch (meaning.changes) {
      case "rows":
        return new StreamRefused(
          "statement",
          `${what} may have changed rows of this schema, and does not say which: binlog_format was not ROW in its session.`,
          `Have every session log rows. ${beginAgain}`,
        );
      case "table":
        return new StreamRefused(
          "table-gone",
          `${what} changed ${list(meaning.tables)} as a whole: what happened to its rows is not told.`,
          beginAgain,
        );
      case "columns":
        return new StreamRefused(
          "schema",
          `${what} changed the columns of ${list(meaning.tables)}. No schema may change while rows migrate.`,
          `Take the change back. ${beginAgain}`,
        );
    }
  },
  columns: (
    at: Position,
    table: string,
    { missing, added }: { missing: readonly string[]; added: readonly string[] },
  ) =>
    new StreamRefused(
      "schema",
      `Rows of ${table} before ${at} are not those that are mapped: ` +
        [
          missing.length > 0 && `without ${list(missing)}`,
          added.length > 0 && `with ${list(added)}, which is not known`,
        ]
          .filter(Boolean)
          .join(", ") +
        ".",
      "Run a release whose mapping (app/store/dynamodb/items.ts) knows these columns, or take the change of the schema " +
        `back. ${beginAgain}`,
    ),
  columnTypes: (at: Position, table: string, which: string) =>
    new StreamRefused(
      "schema",
      `Rows of ${table} before ${at} have columns of types that are not mapped: ${which}.`,
      `Take the change of the schema back. ${beginAgain}`,
    ),
  namelessColumns: (at: Position, table: string) =>
    new StreamRefused(
      "schema",
      `The binlog before ${at} does not name the columns of ${table}, so that a changed schema would go unseen: ` +
        "binlog_row_metadata is not FULL.",
      `Set binlog_row_metadata=FULL. ${beginAgain}`,
    ),
  twoPhases: (at: Position) =>
    new StreamRefused(
      "not-understood",
      `Rows before ${at} were changed within XA START: whether they count is decided later.`,
      `Don't use XA transactions on this schema. ${beginAgain}`,
    ),
  undone: (at: Position, sql: string) =>
    new StreamRefused(
      "undone",
      `A transaction before ${at} changed rows and undid that (${quote(sql)}) after they were in the binlog: it also ` +
        "wrote to a table that knows no transactions.",
      `Rows that it changed may be ahead of the database. ${beginAgain}`,
    ),
  incident: (at: Position) =>
    new StreamRefused("incident", `The server says at ${at} that its binlog lacks events.`, beginAgain),
  notUnderstood: (at: Position, type: number) =>
    new StreamRefused(
      "not-understood",
      `The event before ${at} is of type ${type}, which is not known here and may carry rows.`,
      `Run a release that knows it. ${beginAgain}`,
    ),
  damaged: (at: Position, type: number, error: Error) =>
    new StreamRefused(
      "not-understood",
      `The event of type ${type} before ${at} does not hold together: ${error.message}.`,
      `Run a release that reads it. ${beginAgain}`,
    ),
} as const;
