import { type Source, wholeTable } from "../source.ts";

/** Counters of one statement: what they count is read with them, as of the same moment. */
const chunkSize = 500;

/** Wrong counters that are named: whoever has more has another problem than each of them. */
const named = 1000;

/** What the counters of a table count. */
interface Counted {
  readonly table: string;
  readonly key: string;
  /** By the counter's column, the edges it counts. */
  readonly counters: Readonly<Record<string, string>>;
}

const counted: readonly Counted[] = [
  {
    table: "user_counters",
    key: "user_id",
    counters: {
      posts: "posts e WHERE e.author_id = c.user_id",
      followers: "follows e WHERE e.followee_id = c.user_id",
      following: "follows e WHERE e.follower_id = c.user_id",
    },
  },
  { table: "post_counters", key: "post_id", counters: { likes: "likes e WHERE e.post_id = c.post_id" } },
];

/** Counts again whatever is counted, and returns which counters are wrong: `user_counters/7 followers 3 instead of 4`. */
export async function recount(source: Pick<Source, "rows">, signal: AbortSignal): Promise<string[]> {
  const wrong: string[] = [];
  for (const { table, key, counters } of counted) {
    const names = Object.keys(counters);
    const columns = names.map((name) => `c.${name} AS ${name}`).join(", ");
    const counts = names.map((name) => `(SELECT COUNT(*) FROM ${counters[name]} AND e.deleted = 0) AS real_${name}`);
    const sql =
      `SELECT c.${key} AS id, ${columns}, ${counts.join(", ")} FROM ${table} c ` +
      `WHERE c.${key} > ? ORDER BY c.${key} LIMIT ${chunkSize}`;
    let after = -1n;
    for (;;) {
      signal.throwIfAborted();
      const rows = await source.rows(sql, [after], wholeTable);
      for (const row of rows)
        for (const name of names)
          if (Number(row[name]) !== Number(row[`real_${name}`]) && wrong.length < named)
            wrong.push(`${table}/${String(row.id)} ${name} ${row[name]} instead of ${row[`real_${name}`]}`);
      if (rows.length < chunkSize) break;
      after = BigInt(rows.at(-1)?.id as string);
    }
  }
  return wrong;
}
