import type { QueryEvent } from "./events.ts";

/** What a statement in the binlog means to whoever follows some tables of a schema. */
export type StatementMeaning =
  /** A transaction begins, whose rows follow. */
  | "begin"
  /** The transaction is over. */
  | "commit"
  /** What the transaction did so far, or a part of it, is undone. */
  | "rollback"
  /** Within a transaction, and of no concern. */
  | "savepoint"
  /** A transaction in two phases begins: whether its rows ever count is decided later. */
  | "xa"
  | "nothing"
  /** It changes rows of the schema and does not say which. */
  | { readonly changes: "rows" }
  /** It empties or removes followed tables, or puts another in their place. */
  | { readonly changes: "table"; readonly tables: readonly string[] }
  /** It changes the columns of a followed table. */
  | { readonly changes: "columns"; readonly tables: readonly string[] };

export interface Followed {
  readonly schema: string;
  readonly tables: ReadonlySet<string>;
}

/** Reads a statement of a query event. What is no statement on the followed schema's rows or tables means nothing. */
export function meaningOf({ schema, sql }: QueryEvent, followed: Followed): StatementMeaning {
  const words = withoutComments(sql);
  const first = /^[a-z]+/i.exec(words)?.[0].toUpperCase() ?? "";
  const control = transactionControl(first, words);
  if (control) return control;
  const isOurs = (name: Name) => (name.schema ?? schema) === followed.schema && followed.tables.has(name.table);
  const ours = (names: readonly Name[]) => names.filter(isOurs).map(({ table }) => table);
  switch (first) {
    case "INSERT":
    case "UPDATE":
    case "DELETE":
    case "REPLACE":
    case "LOAD":
    case "WITH":
    case "CALL":
    case "SELECT":
    case "SET":
      return schema === followed.schema || words.includes(followed.schema) ? { changes: "rows" } : "nothing";
    case "TRUNCATE":
      return table(ours(namesAfter(words, /^TRUNCATE\s+(?:TABLE\s+)?/i)));
    case "DROP":
      return dropping(words, followed, ours);
    case "RENAME":
      return table(
        ours(
          namesAfter(
            words,
            /^RENAME\s+TABLES?\s+(?:IF\s+EXISTS\s+)?/i,
            /\s*(?:,|\s(?:(?:NO)?WAIT\s*\d*\s+)?TO\s)\s*/iy,
          ),
        ),
      );
    case "CREATE":
      return table(ours(namesAfter(words, /^CREATE\s+OR\s+REPLACE\s+(?:TEMPORARY\s+)?TABLE\s+/i).slice(0, 1)));
    case "ALTER": {
      const head = /^ALTER\s+(?:ONLINE\s+)?(?:IGNORE\s+)?TABLE\s+(?:IF\s+EXISTS\s+)?/i;
      const altered = ours(namesAfter(words, head).slice(0, 1));
      if (altered.length === 0) return alteringSchema(words, schema, ours);
      return concernsIndexesOnly(words.replace(head, "")) ? "nothing" : { changes: "columns", tables: altered };
    }
    default:
      return "nothing";
  }
}

function transactionControl(first: string, words: string): StatementMeaning | undefined {
  switch (first) {
    case "BEGIN":
    case "START":
      return "begin";
    case "COMMIT":
      return "commit";
    case "ROLLBACK":
      return "rollback";
    case "SAVEPOINT":
    case "RELEASE":
      return "savepoint";
    case "XA":
      return /^XA\s+(START|BEGIN)/i.test(words) ? "xa" : "nothing";
    default:
      return undefined;
  }
}

function dropping(words: string, { schema }: Followed, ours: (names: readonly Name[]) => string[]): StatementMeaning {
  const database = namesAfter(words, /^DROP\s+(?:DATABASE|SCHEMA)\s+(?:IF\s+EXISTS\s+)?/i)[0];
  if (database?.table === schema) return { changes: "table", tables: [`all of ${schema}`] };
  // A temporary table hides another of its name, and leaves it alone.
  return table(ours(namesAfter(words, /^DROP\s+TABLES?\s+(?:IF\s+EXISTS\s+)?/i)));
}

function alteringSchema(words: string, schema: string, ours: (names: readonly Name[]) => string[]): StatementMeaning {
  // ALTER TABLE other RENAME TO ours, or EXCHANGE PARTITION … WITH TABLE ours.
  const renamed = /\b(?:RENAME\s+(?:TO\s+|AS\s+)?|WITH\s+TABLE\s+)/i.exec(words);
  if (!renamed || !/^ALTER\s+(?:\w+\s+)*?TABLE\s/i.test(words)) return "nothing";
  const [name] = namesIn(words.slice(renamed.index + renamed[0].length), separator);
  return table(name ? ours([{ schema, ...name }]) : []);
}

function table(tables: readonly string[]): StatementMeaning {
  return tables.length > 0 ? { changes: "table", tables } : "nothing";
}

interface Name {
  readonly schema?: string;
  readonly table: string;
}

const separator = /\s*,\s*/y;

function namesAfter(words: string, head: RegExp, between = separator): Name[] {
  const found = head.exec(words);
  return found ? namesIn(words.slice(found[0].length), between) : [];
}

/** Names of tables, quoted or not, with or without their schema. */
function namesIn(words: string, between: RegExp): Name[] {
  const part = /`((?:[^`]|``)+)`|"((?:[^"]|"")+)"|([\w$\u0080-\uffff]+)/y;
  const names: Name[] = [];
  let at = 0;
  const read = (): string | undefined => {
    part.lastIndex = at;
    const found = part.exec(words);
    if (!found) return undefined;
    at = part.lastIndex;
    return found[1]?.replaceAll("``", "`") ?? found[2]?.replaceAll('""', '"') ?? found[3];
  };
  for (;;) {
    const first = read();
    if (first === undefined) return names;
    const dot = /\s*\.\s*/y;
    dot.lastIndex = at;
    if (dot.test(words)) {
      at = dot.lastIndex;
      const second = read();
      if (second === undefined) return names;
      names.push({ schema: first, table: second });
    } else names.push({ table: first });
    between.lastIndex = at;
    if (!between.test(words)) return names;
    at = between.lastIndex;
  }
}

/** Changes of a table that leave its rows and columns as they are. */
const harmless =
  /^(?:ADD\s+(?:UNIQUE\s+|FULLTEXT\s+)?(?:INDEX|KEY)|ADD\s+UNIQUE|DROP\s+(?:INDEX|KEY)|RENAME\s+(?:INDEX|KEY)|ALTER\s+INDEX|ALGORITHM|LOCK|COMMENT|FORCE|ENGINE\s*=?\s*InnoDB|AUTO_INCREMENT|WAIT|NOWAIT)\b/i;

function concernsIndexesOnly(afterHead: string): boolean {
  const clauses = afterHead.replace(/^(?:`[^`]+`|[\w$]+)(?:\s*\.\s*(?:`[^`]+`|[\w$]+))?\s*/, "");
  return splitOutsideParentheses(clauses).every((clause) => harmless.test(clause.trim()));
}

function splitOutsideParentheses(text: string): string[] {
  const parts: string[] = [""];
  let depth = 0;
  for (const part of text.split(/([(),]|'(?:[^'\\]|\\.|'')*'|`[^`]*`)/)) {
    if (part === "(") depth++;
    if (part === ")") depth--;
    if (part === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += part;
  }
  return parts;
}

/** The statement from its first word on. What stands in a comment that servers execute is a part of it. */
function withoutComments(sql: string): string {
  const [executed, plain] = [
    /\/\*(?:M?!)\d*\s?([\s\S]*?)\*\//g,
    /\/\*[\s\S]*?\*\/|--\s[^\n]*(?:\n|$)|#[^\n]*(?:\n|$)/g,
  ];
  return sql.replace(executed, "$1").replace(plain, " ").trim();
}
