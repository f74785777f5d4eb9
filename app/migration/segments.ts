import { type TableName, tableNames, tableOf } from "../store/dynamodb/items.ts";
import { type Source, wholeTable } from "./source.ts";
import type { Segment } from "./table-rows.ts";

/** How tables are divided, in a form that can be kept: whoever goes on must divide them in the same way. */
export interface Division {
  /** First user ids of all segments but the first. */
  readonly users: readonly string[];
  /** As above, of posts. */
  readonly posts: readonly string[];
  /** Rows that there were in all tables. */
  readonly rows: number;
}

/** Segments of a table: so many users' rows are written side by side. */
const segmentsPerTable = 16;

/** Rows below which nothing is gained by another segment. */
const leastRows = 100;

/** Divides tables where their users and posts are, not by values: ids made within a minute differ little. */
export async function divide(source: Pick<Source, "rows">): Promise<Division> {
  const counts = await Promise.all(
    tableNames.map(async (table) => {
      const [row] = await source.rows(`SELECT COUNT(*) AS count FROM ${table}`, [], wholeTable);
      return [table, Number(row?.count)] as const;
    }),
  );
  const countOf = new Map<TableName, number>(counts);
  const [users, posts] = await Promise.all([
    quantiles(source, "users", countOf.get("users") ?? 0),
    quantiles(source, "posts", countOf.get("posts") ?? 0),
  ]);
  return { users, posts, rows: counts.reduce((sum, [, count]) => sum + count, 0) };
}

async function quantiles(source: Pick<Source, "rows">, table: "users" | "posts", count: number): Promise<string[]> {
  const step = Math.max(leastRows, Math.ceil(count / segmentsPerTable));
  const found: string[] = [];
  for (let after = 0n; found.length < segmentsPerTable - 1; after = BigInt(found.at(-1) as string)) {
    const sql = `SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT 1 OFFSET ${step - 1}`;
    const [row] = await source.rows(sql, [after], wholeTable);
    if (!row) break;
    found.push(String(row.id));
  }
  return found;
}

/** All segments; neighbours in the list are of different tables. */
export function segmentsOf(division: Division): Segment[] {
  const byTable = tableNames.map((table): Segment[] => {
    const isOfPosts = /^(id|post_id)$/.test(tableOf(table).primaryKey[0] as string) && table !== "users";
    const limits = (isOfPosts ? division.posts : division.users).map(BigInt);
    return [...limits, undefined].map((to, index) => ({
      table,
      index,
      ...(index > 0 ? { from: limits[index - 1] as bigint } : {}),
      ...(to === undefined ? {} : { to }),
    }));
  });
  const longest = Math.max(...byTable.map((segments) => segments.length));
  return Array.from({ length: longest }, (_, index) => byTable.flatMap((segments) => segments[index] ?? [])).flat();
}

/** What a segment is called in the journal. */
export function nameOf({ table, index }: Segment): string {
  return `${table}/${index}`;
}
