// Verification against reading the same from either store and doing nothing with it, in turns:
//   node bench/verify.ts [history] [rounds]    history 1 is 200 users, 2,000 posts and as many follows and likes
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import pino from "pino";
import { backfill } from "../app/migration/backfill.ts";
import { deadLetters } from "../app/migration/dead-letters.ts";
import { claimJournal } from "../app/migration/journal.ts";
import { workOff } from "../app/migration/pieces.ts";
import { divide, segmentsOf } from "../app/migration/segments.ts";
import { createSink } from "../app/migration/sink/sink.ts";
import { nextRows } from "../app/migration/table-rows.ts";
import { verify } from "../app/migration/verify/verify.ts";
import { chunked, DynamoTable, inTurns } from "../app/store/dynamodb/dynamo-table.ts";
import { tableOf } from "../app/store/dynamodb/items.ts";
import type { Key } from "../app/store/dynamodb/keys.ts";
import { keyOf } from "../app/store/dynamodb/mapping.ts";
import { parseRowKey } from "../app/store/mysql/row-keys.ts";
import { writeHistory } from "../test/support/history.ts";
import { median, openStores, seconds } from "./support/stores.ts";

const history = Number(process.argv[2] ?? 1);
const rounds = Number(process.argv[3] ?? 3);
const log = pino({ level: "silent" });
const signal = new AbortController().signal;
const stores = await openStores();
const { client, tableName, journalTable } = stores;
const { connection, source } = await stores.database("history");
await writeHistory(connection, { users: 200 * history, posts: 2000 * history, relations: 2000 * history });
let runs = 0;
const worker = async () => {
  const journal = await claimJournal({ client, tableName: journalTable, run: ++runs });
  return { source, journal, deadLetters: deadLetters(journal), client, tableName, signal };
};
const first = await worker();
const sink = createSink({ client, tableName, fence: 1, log });
await backfill({ ...first, sink });

const division = await divide(source);
const table = new DynamoTable({ client, name: tableName, patience: 60_000 });
const lanes = 6;
const rowKeys: string[] = [];
const itemKeys: Key[] = [];
for (const segment of segmentsOf({ users: [], posts: [], rows: 0 }))
  for (const { key, mapped } of await nextRows(source, segment, undefined, 10_000_000)) {
    rowKeys.push(key);
    if (!(mapped instanceof Error)) itemKeys.push(...mapped.items.map(keyOf));
  }
console.log(`${rowKeys.length} rows, ${itemKeys.length} items`);

/** Statements as the verification sends them, their rows thrown away. */
const read = (sql: string, values: readonly (bigint | Buffer)[]) => source.rows(sql, values);
const raw = {
  rows: () =>
    workOff(
      segmentsOf(division).map((segment) => ({ segment, offset: 0, after: segment.from ?? 0n })),
      lanes,
      signal,
      async ({ segment, after, offset }) => {
        const { table: name, to = 2n ** 64n - 1n } = segment;
        const [column] = tableOf(name).primaryKey as [string];
        const order = tableOf(name).primaryKey.join(", ");
        const sql = `SELECT * FROM ${name} WHERE ${column} >= ? AND ${column} < ? ORDER BY ${order} LIMIT 200 OFFSET ${offset}`;
        const rows = await read(sql, [after, to]);
        if (rows.length < 200) return undefined;
        // Further into the same key when the page ends within it.
        const last = BigInt(rows.at(-1)?.[column] as string);
        const begun = rows.findIndex((row) => BigInt(row[column] as string) === last);
        return begun === 0 && last === after
          ? { segment, after, offset: offset + 200 }
          : { segment, after: last, offset: 200 - begun };
      },
    ),
  items: () => inTurns(chunked(itemKeys, 300), lanes, (keys) => table.getAll(keys)),
  scan: () =>
    workOff(
      Array.from({ length: 8 }, (_, Segment) => ({ Segment, after: undefined as Key | undefined })),
      lanes,
      signal,
      async ({ Segment, after }) => {
        const { LastEvaluatedKey } = await client.send(
          new ScanCommand({
            TableName: tableName,
            ConsistentRead: true,
            Segment,
            TotalSegments: 8,
            Limit: 500,
            ...(after ? { ExclusiveStartKey: { pk: { S: after.pk }, sk: { S: after.sk } } } : {}),
          }),
        );
        return LastEvaluatedKey && { Segment, after: keyOf(LastEvaluatedKey) };
      },
    ),
  byKey: () =>
    // As many as there are items: a row is read for each of its items.
    inTurns(
      chunked(itemKeys.map((_, index) => rowKeys[index % rowKeys.length] as string).sort(), 100),
      lanes,
      (keys) => {
        const groups = Map.groupBy(keys.map(parseRowKey), ([name]) => name);
        return Promise.all(
          [...groups].map(([name, all]) => {
            const one = `(${tableOf(name)
              .primaryKey.map((column) => `${column} = ?`)
              .join(" AND ")})`;
            const values = all.flatMap(([, ...parts]) => parts);
            return read(`SELECT * FROM ${name} WHERE ${all.map(() => one).join(" OR ")}`, values);
          }),
        );
      },
    ),
};

const results: { forth: number; back: number; whole: number }[] = [];
for (let round = 0; round <= rounds; round++) {
  const times = { rows: 0, items: 0, scan: 0, byKey: 0, forth: 0, back: 0 };
  const reads = async () => {
    for (const [name, work] of Object.entries(raw)) times[name as keyof typeof raw] = await seconds(work);
  };
  const compare = async () => {
    const options = await worker();
    let turned = 0;
    const begin = performance.now();
    await verify({
      ...options,
      caughtUp: async () => {},
      onProgress: ({ items }) => {
        if (items === 0) turned = performance.now();
      },
    });
    [times.forth, times.back] = [(turned - begin) / 1000, (performance.now() - turned) / 1000];
  };
  for (const one of round % 2 ? [reads, compare] : [compare, reads]) await one();
  if (round === 0) continue;
  const { rows, items, scan, byKey, forth, back } = times;
  const result = {
    forth: Math.max(rows, items) / forth,
    back: Math.max(scan, byKey) / back,
    whole: (Math.max(rows, items) + Math.max(scan, byKey)) / (forth + back),
  };
  results.push(result);
  const inSeconds = Object.entries(times).map(([name, time]) => `${name} ${time.toFixed(2)}`);
  console.log(`round ${round}, seconds: ${inSeconds.join(", ")}`);
}
const ratio = (name: "forth" | "back" | "whole") => median(results.map((result) => result[name])).toFixed(2);
console.log(
  `verification / slower raw read: rows to items ${ratio("forth")}, items to rows ${ratio("back")}, both ${ratio("whole")} (at least 0.60 is wanted)`,
);
await stores.stop();
