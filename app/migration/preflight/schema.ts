import { migrations } from "../../store/mysql/migrate.ts";
import { itemSizeLimit } from "../../store/dynamodb/mapping.ts";
import { type TableName, tableNames, tableOf } from "../../store/dynamodb/items.ts";
import type { Ask } from "../binlog/server.ts";
import type { Problem } from "./problem.ts";

/** Column types whose values are mapped. */
const mapped = new Set(["tinyint", "smallint", "mediumint", "int", "bigint"]);
const characters = new Set(["char", "varchar", "tinytext", "text", "mediumtext", "longtext"]);
const bytes = new Set(["binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"]);

const ours = tableNames.map((name) => `'${name}'`).join(", ");

/** What of the schema in use would lose changes, or cannot become items. */
export async function schemaProblems(ask: Ask): Promise<Problem[]> {
  const found = await Promise.all([
    versionProblems(ask),
    tableProblems(ask),
    cascadeProblems(ask),
    triggerProblems(ask),
    controlProblems(ask),
  ]);
  return found.flat();
}

async function versionProblems(ask: Ask): Promise<Problem[]> {
  const expected = migrations.at(-1)?.number ?? 0;
  const [row] = await ask("SELECT MAX(number) AS number FROM schema_migrations").catch(absent);
  const number = Number(row?.number ?? 0);
  if (number === expected) return [];
  return [
    {
      what: `The schema is at step ${number}, and this release maps step ${expected}.`,
      toDo: number < expected ? "Let servers of this release start first." : "Use the release that the servers run.",
    },
  ];
}

interface Column {
  readonly table: string;
  readonly name: string;
  readonly type: string;
  readonly charset: string | null;
  /** Bytes at most; null for numbers. */
  readonly size: number | null;
}

async function tableProblems(ask: Ask): Promise<Problem[]> {
  const engines = await ask(
    `SELECT table_name AS name, engine AS engine, row_format AS format FROM information_schema.tables
     WHERE table_schema = DATABASE() AND table_name IN (${ours})`,
  );
  const columns = (
    await ask(
      `SELECT table_name AS tab, column_name AS name, data_type AS type, character_set_name AS charset,
        character_octet_length AS size
       FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name IN (${ours})`,
    )
  ).map((row): Column => ({
    table: String(row.tab),
    name: String(row.name),
    type: String(row.type).toLowerCase(),
    charset: row.charset === null ? null : String(row.charset),
    size: row.size === null ? null : Number(row.size),
  }));
  const keyOf = await primaryKeys(ask);
  const problems: Problem[] = [];
  for (const table of tableNames) {
    const engine = engines.find(({ name }) => name === table)?.engine;
    if (engine === undefined) {
      problems.push({ what: `There is no table ${table}.`, toDo: "Let servers of this release start first." });
      continue;
    }
    if (engine !== "InnoDB")
      problems.push({
        what: `The table ${table} is kept by ${engine}: what a transaction undoes stays in it, and in its binlog.`,
        toDo: `ALTER TABLE ${table} ENGINE=InnoDB.`,
      });
    const own = columns.filter((column) => column.table === table);
    problems.push(...keyProblems(table, keyOf(table)), ...columnProblems(table, own));
    problems.push(...(await sizeProblems(ask, table, own)));
  }
  return problems;
}

function columnProblems(table: TableName, columns: readonly Column[]): Problem[] {
  const known = Object.keys(tableOf(table).columns);
  const missing = known.filter((name) => !columns.some((column) => column.name === name));
  const problems = missing.map((name) => ({
    what: `${table} has no column ${name}.`,
    toDo: "Bring the schema to where this release has it: no one may change it by hand.",
  }));
  for (const { name, type, charset } of columns) {
    if (!known.includes(name))
      problems.push({
        what: `${table} has a column ${name}, which is not mapped: its values would be lost.`,
        toDo: `Add it to app/store/dynamodb/items.ts, or ALTER TABLE ${table} DROP COLUMN ${name}.`,
      });
    else if (characters.has(type) ? charset !== "utf8mb4" : !bytes.has(type) && !mapped.has(type))
      problems.push({
        what: `${table}.${name} is ${type}${charset ? ` in ${charset}` : ""}, which is not mapped.`,
        toDo: characters.has(type)
          ? `ALTER TABLE ${table} CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin.`
          : "Give it the type that this release's schema has.",
      });
  }
  return problems;
}

/** Only where its columns let a row be that large are rows looked at. */
async function sizeProblems(ask: Ask, table: string, columns: readonly Column[]): Promise<Problem[]> {
  const sized = columns.filter(({ size }) => size !== null);
  const atMost = sized.reduce((sum, { size }) => sum + (size ?? 0), 0);
  // Names of attributes and the other columns take less than a tenth of it.
  const limit = Math.floor(itemSizeLimit * 0.9);
  if (atMost <= limit) return [];
  const length = sized.map(({ name }) => `COALESCE(OCTET_LENGTH(\`${name}\`), 0)`).join(" + ");
  const [row] = await ask(`SELECT COUNT(*) AS count FROM \`${table}\` WHERE ${length} > ${limit}`);
  if (Number(row?.count ?? 0) === 0) return [];
  return [
    {
      what: `${String(row?.count)} rows of ${table} have more than ${limit} bytes, and an item takes ${itemSizeLimit}.`,
      toDo: "Shorten them, or move what is long out of the row.",
    },
  ];
}

/** Columns of each table's primary key, in their order. */
async function primaryKeys(ask: Ask): Promise<(table: string) => string> {
  const rows = await ask(
    `SELECT table_name AS tab, column_name AS name FROM information_schema.statistics
     WHERE table_schema = DATABASE() AND table_name IN (${ours}) AND index_name = 'PRIMARY' ORDER BY seq_in_index`,
  );
  return (table) =>
    rows
      .filter(({ tab }) => tab === table)
      .map(({ name }) => String(name))
      .join(", ");
}

function keyProblems(table: TableName, found: string): Problem[] {
  const expected = tableOf(table).primaryKey.join(", ");
  if (found === expected) return [];
  return [
    {
      what: `The primary key of ${table} is (${found}), and rows are told apart by (${expected}).`,
      toDo: "Bring the schema to where this release has it.",
    },
  ];
}

/** What a foreign key changes by itself is in no binlog. */
async function cascadeProblems(ask: Ask): Promise<Problem[]> {
  const rows = await ask(
    `SELECT constraint_name AS name, table_name AS tab FROM information_schema.referential_constraints
     WHERE constraint_schema = DATABASE() AND table_name IN (${ours})
       AND (delete_rule NOT IN ('RESTRICT', 'NO ACTION') OR update_rule NOT IN ('RESTRICT', 'NO ACTION'))`,
  );
  return rows.map(({ name, tab }) => ({
    what: `The foreign key ${String(name)} changes rows of ${String(tab)} by itself, which the binlog does not tell.`,
    toDo: `ALTER TABLE ${String(tab)} DROP FOREIGN KEY ${String(name)}.`,
  }));
}

/** What a trigger changes has no version of its own. */
async function triggerProblems(ask: Ask): Promise<Problem[]> {
  const rows = await ask(
    `SELECT trigger_name AS name, event_object_table AS tab FROM information_schema.triggers
     WHERE event_object_schema = DATABASE() AND event_object_table IN (${ours})`,
  );
  return rows.map(({ name, tab }) => ({
    what: `The trigger ${String(name)} on ${String(tab)} may change rows without giving them a new version.`,
    toDo: `DROP TRIGGER ${String(name)}.`,
  }));
}

async function controlProblems(ask: Ask): Promise<Problem[]> {
  const [row] = await ask("SELECT record FROM control WHERE id = 1").catch(absent);
  if (row?.record === "mysql") return [];
  return [
    {
      what: row
        ? `The store of record is ${String(row.record)}, and what is moved is MySQL's.`
        : "There is no control row, which says which store is the record.",
      toDo: row ? "There is nothing to migrate from here." : "Let servers of this release start first.",
    },
  ];
}

/** No rows, where there is no such table. */
function absent(error: { code?: string }): Record<string, unknown>[] {
  if (error.code === "ER_NO_SUCH_TABLE") return [];
  throw error as Error;
}
