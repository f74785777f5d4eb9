import {
  type Ask,
  binlogStatus,
  type Flavour,
  identify,
  retentionHours,
  type ServerFacts,
  variables,
} from "../binlog/server.ts";
import type { Problem } from "./problem.ts";

/** A server variable and the value without which changes cannot be followed. */
interface Demand {
  readonly name: string;
  /** In lower case; "" and absent are the same. */
  readonly value: string;
  readonly why: string;
  /** What else it takes. @default set it in the parameter group */
  readonly toDo?: string;
  /** Where only one kind of server has it. */
  readonly only?: Flavour;
}

const demands: readonly Demand[] = [
  {
    name: "log_bin",
    value: "on",
    why: "there is no binlog to follow",
    toDo: "On RDS turn automated backups on (a retention of 1 day or more); elsewhere start the server with log_bin.",
  },
  { name: "binlog_format", value: "row", why: "statements don't say which rows they change" },
  { name: "binlog_row_image", value: "full", why: "changed rows are not logged whole" },
  {
    name: "binlog_row_metadata",
    value: "full",
    why: "columns are not named, so that a changed schema would go unseen",
  },
  {
    name: "binlog_row_value_options",
    value: "",
    why: "changed rows are not logged whole",
    only: "mysql",
  },
  {
    name: "binlog_transaction_compression",
    value: "off",
    why: "rows of compressed transactions cannot be seen",
    only: "mysql",
  },
  { name: "log_bin_compress", value: "off", why: "rows of compressed events cannot be seen", only: "mariadb" },
];

/** Hours for which the binlog must be kept at least: the copy of a large database takes its time. */
const leastRetention = 24;

/** What of the server's binlog would lose changes. */
export async function binlogProblems(ask: Ask, schema: string): Promise<Problem[]> {
  const facts = await identify(ask);
  const { flavour } = facts;
  const found = await variables(
    ask,
    demands.map(({ name }) => name),
  );
  const settings = demands
    .filter(({ only = flavour }) => only === flavour)
    .filter(({ name, value }) => (found[name] ?? "").toLowerCase() !== value)
    .map(({ name, value, why, toDo }) => ({
      what: `${name} is ${found[name] ?? "not known to this server"}: ${why}.`,
      toDo: toDo ?? `Set ${name}=${value.toUpperCase() || "''"} in the parameter group, or with SET GLOBAL.`,
    }));
  if (found.log_bin?.toLowerCase() !== "on") return settings;
  return [...settings, ...(await filterProblems(ask, facts, schema)), ...(await retentionProblems(ask))];
}

/** A server can leave databases out of its binlog. */
async function filterProblems(ask: Ask, facts: ServerFacts, schema: string): Promise<Problem[]> {
  const status = await binlogStatus(ask, facts);
  const [only, without] = [names(status?.Binlog_Do_DB), names(status?.Binlog_Ignore_DB)];
  if ((only.length === 0 || only.includes(schema)) && !without.includes(schema)) return [];
  return [
    {
      what: `The database ${schema} is left out of the binlog by binlog_do_db or binlog_ignore_db.`,
      toDo: "Start the server without these options.",
    },
  ];
}

async function retentionProblems(ask: Ask): Promise<Problem[]> {
  const hours = await retentionHours(ask);
  if (hours === null || hours >= leastRetention) return [];
  return [
    {
      what: `The binlog is kept for ${hours} h only, and must last until old rows are copied.`,
      toDo:
        "Have it kept for a week: CALL mysql.rds_set_configuration('binlog retention hours', 168) on RDS, " +
        "binlog_expire_logs_seconds=604800 elsewhere.",
    },
  ];
}

function names(list: unknown): string[] {
  return String(list ?? "")
    .split(",")
    .filter((name) => name !== "");
}
