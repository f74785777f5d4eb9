// Home timelines on the DynamoDB emulator: node bench/home-timelines.ts [followers] [followed]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateTableCommand, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import { firstVersion } from "../app/domain/version.ts";
import { FanOut } from "../app/events/fan-out.ts";
import { servingClient } from "../app/store/dynamodb/client.ts";
import { DynamoTable, inTurns } from "../app/store/dynamodb/dynamo-table.ts";
import { beginTimeline, completeTimeline } from "../app/store/dynamodb/home/header.ts";
import { rebuildTimeline } from "../app/store/dynamodb/home/rebuild.ts";
import type { Item } from "../app/store/dynamodb/items.ts";
import { itemsOf } from "../app/store/dynamodb/mapping.ts";
import { alwaysTheRecord } from "../app/store/dynamodb/record.ts";
import { dynamoStore } from "../app/store/dynamodb/store.ts";
import { startDynamo } from "../local/parts/dynamodb.ts";

const [followers, followed] = [Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 300)];
const postsEach = 10;

const folder = mkdtempSync(join(tmpdir(), "chirp-bench-"));
const dynamo = await startDynamo({ dir: folder, inMemory: true });
const access = { region: "eu-central-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };
const client = servingClient({ ...access, endpoint: dynamo.endpoint });
const table = new DynamoTable({ client, name: "bench", patience: 60_000 });
await client.send(
  new CreateTableCommand({
    TableName: table.name,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: ["pk", "sk"].map((AttributeName) => ({ AttributeName, AttributeType: "S" })),
    KeySchema: [
      { AttributeName: "pk", KeyType: "HASH" },
      { AttributeName: "sk", KeyType: "RANGE" },
    ],
    StreamSpecification: { StreamEnabled: true, StreamViewType: "NEW_AND_OLD_IMAGES" },
  }),
);
await waitUntilTableExists({ client, maxWaitTime: 10, minDelay: 0.05, maxDelay: 0.5 }, { TableName: table.name });

const version = firstVersion(1n);
const id = (number: number) => String(10n ** 15n + BigInt(number));
const [reader, author] = [id(1), id(2)];
const row = { created_at: 1, deleted: false, version };
const follow = (follower: string, followee: string) =>
  itemsOf("follows", { follower_id: follower, followee_id: followee, ...row });
const post = (postId: string, by: string) =>
  itemsOf("posts", { id: postId, author_id: by, text: "x".repeat(100), media: null, ...row });
const user = (userId: string): Item[] => [
  ...itemsOf("users", {
    id: userId,
    name: `u${userId}`,
    name_key: Buffer.from(`u${userId}`),
    display_name: "",
    bio: "",
    password_hash: "",
    ...row,
  }),
  ...itemsOf("user_counters", { user_id: userId, posts: 0, followers: 0, following: 0, version }),
];
const authors = Array.from({ length: followed }, (_, number) => id(10_000 + number));
const fans = Array.from({ length: followers }, (_, number) => id(100_000 + number));
await table.writeAll({
  puts: [
    ...[reader, author, ...authors].flatMap(user),
    ...authors.flatMap((by) => follow(reader, by)),
    ...fans.flatMap((fan) => follow(fan, author)),
    ...authors.flatMap((by, index) =>
      Array.from({ length: postsEach }, (_, number) => post(id(1_000_000 + number * followed + index), by)).flat(),
    ),
  ],
});
await inTurns(fans, 16, async (fan) => {
  await beginTimeline(table, fan, 1n);
  await completeTimeline(table, fan, 1n, 0n);
});

const store = dynamoStore(table, alwaysTheRecord(1n));
const fanOut = new FanOut({ table, threshold: 1_000_000 });
await report(`rebuild of a timeline, ${followed} followed with ${postsEach} posts each`, 5, () =>
  rebuildTimeline(table, reader, 1n),
);
await report("home timeline, 20 posts", 100, () => store.home(reader, { limit: 20 }));
let posts = 0;
const perPost = await report(`fan-out of a post to ${followers} followers`, 10, () =>
  fanOut.apply({ kind: "posted", author, post: id(9_000_000 + ++posts), epoch: 1n }),
);
console.log(`  ${Math.round((followers / perPost) * 1000)} entries/s`);
await report("a post (transaction of 5 items)", 100, async () => {
  await store.createPost({ id: id(20_000_000 + ++posts), authorId: author, text: "chirp", createdAt: 1 });
});
const liked = id(20_000_000 + posts);
const start = performance.now();
await Promise.all(fans.slice(0, 200).map((fan) => store.setLike(fan, liked, true, 1)));
console.log(`200 likes of one post at once: ${Math.round(performance.now() - start)} ms`);
await dynamo.stop();
rmSync(folder, { recursive: true });

/** Prints and returns the median in milliseconds, after a warm-up of a fifth. */
async function report(name: string, runs: number, run: () => Promise<unknown>): Promise<number> {
  for (let count = 0; count < runs / 5; count++) await run();
  const times: number[] = [];
  for (let count = 0; count < runs; count++) {
    const begin = performance.now();
    await run();
    times.push(performance.now() - begin);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(runs - 1, Math.floor(runs * share))] as number;
  console.log(`${name}: median ${at(0.5).toFixed(1)} ms, p95 ${at(0.95).toFixed(1)} ms`);
  return at(0.5);
}
