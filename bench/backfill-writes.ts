// Ways of writing items that must not be there yet, on an emulator: node bench/backfill-writes.ts [amazon|dynoxide] [items] [disk|memory]
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BatchExecuteStatementCommand,
  BatchWriteItemCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
} from "@aws-sdk/client-dynamodb";
import { firstVersion } from "../app/domain/version.ts";
import { guardedPut, withOrigin } from "../app/store/dynamodb/apply.ts";
import { servingClient } from "../app/store/dynamodb/client.ts";
import { chunked, inTurns } from "../app/store/dynamodb/dynamo-table.ts";
import type { Item } from "../app/store/dynamodb/items.ts";
import { itemsOf } from "../app/store/dynamodb/mapping.ts";
import { type DynamoEngine, startDynamo } from "../local/parts/dynamodb.ts";
import { createBenchTable } from "./support/table.ts";

const engine = (process.argv[2] ?? "amazon") as DynamoEngine;
const perWay = Number(process.argv[3] ?? 5000);
const inMemory = process.argv[4] === "memory";
const rounds = 3;

const folder = mkdtempSync(join(tmpdir(), "chirp-bench-"));
const dynamo = await startDynamo({ dir: folder, engine, inMemory });
const client = servingClient({
  region: "eu-central-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
  endpoint: dynamo.endpoint,
  requestHandler: { requestTimeout: 60_000, httpAgent: { keepAlive: true, maxSockets: 128 } },
});
const TableName = await createBenchTable(client);

let made = 0;

/** A user's items, posts' and follows', each for users of their own: what a backfill that interleaves users writes. */
function nextItems(count: number): Item[] {
  const items: Item[] = [];
  const version = firstVersion(1n);
  while (items.length < count) {
    const [id, other] = [String(10n ** 15n + BigInt(++made)), String(10n ** 15n + BigInt(++made))];
    const row = { created_at: 1_700_000_000_000_000, deleted: false, version };
    items.push(...itemsOf("posts", { id, author_id: other, text: "x".repeat(100), media: null, ...row }));
    items.push(...itemsOf("follows", { follower_id: id, followee_id: other, ...row }));
  }
  return items.slice(0, count).map((item) => withOrigin(item, "backfill"));
}

type Way = (items: Item[]) => Promise<unknown>;

const ifAbsent = "attribute_not_exists(pk)";

const insertStatement = (item: Item) => ({
  Statement: `INSERT INTO "${TableName}" VALUE {${Object.keys(item)
    .map((name) => `'${name}':?`)
    .join(",")}}`,
  Parameters: Object.values(item),
});

const statements =
  (concurrency: number): Way =>
  (items) =>
    inTurns(chunked(items, 25), concurrency, async (batch) => {
      const { Responses } = await client.send(
        new BatchExecuteStatementCommand({ Statements: batch.map(insertStatement) }),
      );
      const failed = Responses?.find((answer) => answer.Error);
      if (failed) throw new Error(JSON.stringify(failed));
    });

const ways: Record<string, Way> = {
  "BatchWriteItem of 25, 8 at once (guards nothing: the ceiling)": (items) =>
    inTurns(chunked(items, 25), 8, (batch) =>
      client.send(
        new BatchWriteItemCommand({ RequestItems: { [TableName]: batch.map((Item) => ({ PutRequest: { Item } })) } }),
      ),
    ),
  ...Object.fromEntries(
    [1, 4, 8, 16].map((lanes) => [`BatchExecuteStatement of 25 INSERT, ${lanes} at once`, statements(lanes)]),
  ),
  ...Object.fromEntries(
    [8, 16, 32].map((lanes): [string, Way] => [
      `PutItem if absent, ${lanes} at once`,
      (items) =>
        inTurns(items, lanes, (Item) =>
          client.send(new PutItemCommand({ TableName, Item, ConditionExpression: ifAbsent })),
        ),
    ]),
  ),
  "guarded PutItem, 16 at once": (items) =>
    inTurns(items, 16, (item) => client.send(new PutItemCommand(guardedPut(TableName, item, "backfill")))),
  ...Object.fromEntries(
    [25, 100].map((size): [string, Way] => [
      `TransactWriteItems of ${size} if absent, 8 at once`,
      (items) =>
        inTurns(chunked(items, size), 8, (batch) =>
          client.send(
            new TransactWriteItemsCommand({
              TransactItems: batch.map((Item) => ({ Put: { TableName, Item, ConditionExpression: ifAbsent } })),
            }),
          ),
        ),
    ]),
  ),
};

const costs = new Map<string, string>();
const rates = new Map(Object.keys(ways).map((name) => [name, [] as number[]]));
// The first round warms up, client and emulator; then round by round, as an emulator changes with what it holds.
for (let round = 0; round <= rounds; round++)
  for (const [name, way] of Object.entries(ways)) {
    const items = nextItems(round === 0 ? Math.ceil(perWay / 2) : perWay);
    const [begin, cpu, cpuThere] = [performance.now(), process.cpuUsage(), emulatorCpu()];
    try {
      await way(items);
    } catch (error) {
      console.log(`${name}: ${(error as Error).name}: ${(error as Error).message}`);
      delete ways[name];
      continue;
    }
    const seconds = (performance.now() - begin) / 1000;
    if (round > 0) rates.get(name)?.push(items.length / seconds);
    if (round === 0) continue;
    const { user, system } = process.cpuUsage(cpu);
    const [ours, theirs] = [user + system, emulatorCpu() - cpuThere].map((sum) => Math.round(sum / items.length));
    costs.set(name, `CPU per item: ours ${ours} µs, the emulator's ${theirs} µs`);
  }
console.log(
  `${engine}, ${inMemory ? "in memory" : "on disk"}, stream on; medians of ${rounds} rounds of ${perWay} items:`,
);
for (const [name, cost] of costs) console.log(`${name}: ${Math.round(median(rates.get(name)))} items/s. ${cost}`);
client.destroy();
await dynamo.stop();
rmSync(folder, { recursive: true, force: true });

/** Microseconds of processor time that the emulator has used: says more than the rate on a busy machine. */
function emulatorCpu(): number {
  const fields = readFileSync(`/proc/${dynamo.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function median(values: number[] = []): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
