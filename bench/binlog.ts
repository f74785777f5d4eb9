// Following a binlog into a sink that writes nothing, against zongji alone: node bench/binlog.ts [rows]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BinLogRowEvent, ZongJi } from "@powersync/mysql-zongji";
import { type Connection, createConnection } from "mysql2/promise";
import { firstVersion } from "../app/domain/version.ts";
import type { Position } from "../app/migration/binlog/position.ts";
import { askingBy, currentPosition } from "../app/migration/binlog/server.ts";
import { follow } from "../app/migration/follow.ts";
import type { MappedRow } from "../app/migration/model.ts";
import { guardedPut } from "../app/store/dynamodb/apply.ts";
import { migrate } from "../app/store/mysql/migrate.ts";
import { startDatabase } from "../local/parts/database.ts";

const rows = Number(process.argv[2] ?? 200_000);
const rounds = 5;

const folder = mkdtempSync(join(tmpdir(), "chirp-bench-"));
const database = await startDatabase({ dir: folder });
const { host, port, user, password } = database;
const login = { host, port, user, password };

/** What the service's writes look like: sign-ups, posts, follows and likes, each with their counters. */
async function write(connection: Connection, count: number, perTransaction: number): Promise<void> {
  const version = String(firstVersion(1n));
  let [id, written] = [7_300_000_000_000_000_000n, 0];
  while (written < count) {
    await connection.query("START TRANSACTION");
    for (let some = 0; some < perTransaction && written < count;) {
      const size = Math.min(Math.ceil(perTransaction / 5), 100);
      const made = Array.from({ length: size }, () => String((id += 4_194_304n)));
      const inserts: [table: string, rows: unknown[][]][] = [
        [
          "users",
          made.map((it) => [
            it,
            `u${it.slice(-12)}`,
            `u${it.slice(-12)}`,
            "Somebody",
            "Bio",
            "x".repeat(97),
            it.slice(0, 16),
            0,
            version,
          ]),
        ],
        ["user_counters", made.map((it) => [it, 1, 2, 3, version])],
        [
          "posts",
          made.map((it) => [
            it,
            it,
            "What a post of ordinary length says of the weather",
            it.slice(0, 16),
            0,
            version,
            null,
          ]),
        ],
        ["follows", made.map((it) => [it, made[0], it.slice(0, 16), 0, version])],
        ["likes", made.map((it) => [it, it, it.slice(0, 16), 0, version])],
      ];
      for (const [table, values] of inserts) {
        await connection.query(`INSERT INTO ${table} VALUES ?`, [values]);
        [some, written] = [some + size, written + size];
      }
    }
    await connection.query("COMMIT");
  }
}

interface Measured {
  readonly perSecond: number;
  /** Microseconds of this process's time per row: unlike the rate, it doesn't change with what else the machine does. */
  readonly cpu: number;
}

function measure(): (rows: number) => Measured {
  const [begin, before] = [performance.now(), process.cpuUsage()];
  return (count) => {
    const { user: here, system } = process.cpuUsage(before);
    return { perSecond: (count / (performance.now() - begin)) * 1000, cpu: (here + system) / count };
  };
}

/** zongji by itself: each row is decoded, and forgotten. */
function raw(from: Position, schema: string, count: number): Promise<Measured> {
  const measured = measure();
  const zongji = new ZongJi(login);
  let read = 0;
  return new Promise((resolve, reject) => {
    zongji.on("error", reject);
    zongji.on("binlog", (event: BinLogRowEvent) => {
      if (!event.getEventName().endsWith("rows")) return;
      read += event.rows.length;
      if (read < count) return;
      zongji.stop();
      resolve(measured(read));
    });
    zongji.start({
      filename: from.file,
      position: Number(from.offset),
      serverId: 4711,
      includeEvents: ["rotate", "tablemap", "writerows", "updaterows", "deleterows"],
      includeSchema: { [schema]: true },
    });
  });
}

let guarded = 0;

const sink = {
  // What the table would be asked, but for the asking.
  apply: async (row: MappedRow) => {
    for (const item of row.items) guarded += guardedPut("bench", item, "cdc").ConditionExpression.length > 0 ? 1 : 0;
    return { applied: row.items.length, same: 0, newer: 0, conflict: 0 };
  },
};

/** From the binlog through decoding, mapping, lanes and guards. */
async function followed(from: Position, to: Position, schema: string): Promise<Measured> {
  const ends = new AbortController();
  const measured = measure();
  const follower = follow({
    source: {
      address: { host, port, database: schema, tls: false },
      credentials: async () => ({ username: user, password }),
    },
    from,
    sink,
    deadLetters: { add: async () => {}, resolve: async () => {}, list: async () => [] },
    checkpoint: async () => {},
    signal: ends.signal,
    log: { info: () => {}, warn: console.warn },
  });
  await follower.caughtUp(to);
  const result = measured(follower.rows);
  ends.abort();
  await follower.finished;
  return result;
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

for (const [what, perTransaction] of [
  ["transactions of 500 rows", 500],
  ["transactions of 5 rows", 5],
] as const) {
  const schema = `bench_${perTransaction}`;
  const connection = await createConnection({ ...login, supportBigNumbers: true, bigNumberStrings: true });
  await connection.query(`CREATE DATABASE ${schema} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
  await connection.query(`USE ${schema}`);
  await migrate(connection);
  const from = await currentPosition(askingBy(connection));
  await write(connection, rows, perTransaction);
  const to = await currentPosition(askingBy(connection));
  await connection.end();
  const pairs: { readonly alone: Measured; readonly all: Measured }[] = [];
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    const pair = { alone: await raw(from, schema, rows), all: await followed(from, to, schema) };
    if (round > 0) pairs.push(pair);
  }
  const of = (value: (pair: (typeof pairs)[number]) => number) => median(pairs.map(value));
  const rate = (value: number) => `${Math.round(value / 1000)},000 rows/s`;
  console.log(
    `${what}: zongji alone ${rate(of(({ alone }) => alone.perSecond))}, followed ${rate(of(({ all }) => all.perSecond))}: ` +
      `ratio ${of(({ alone, all }) => all.perSecond / alone.perSecond).toFixed(2)}; ` +
      `by processor time ${of(({ alone }) => alone.cpu).toFixed(1)} and ${of(({ all }) => all.cpu).toFixed(1)} µs a row: ` +
      `ratio ${of(({ alone, all }) => alone.cpu / all.cpu).toFixed(2)}`,
  );
}
console.log(`${guarded} items guarded`);
await database.stop();
rmSync(folder, { recursive: true, force: true });
process.exit();
