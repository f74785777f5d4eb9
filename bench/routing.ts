// What it costs a request that there are two stores, while MySQL is the record: node bench/routing.ts [operations]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openMysql, type OpenStore } from "../app/store/mysql/open.ts";
import { openStore } from "../app/store/open.ts";
import { startDatabase } from "../local/parts/database.ts";
import { TestSecrets } from "../test/support/test-secrets.ts";

const operations = Number(process.argv[2] ?? 2000);
const rounds = 5;

const folder = mkdtempSync(join(tmpdir(), "chirp-bench-"));
const { host, port, user, password, stop } = await startDatabase({ dir: folder });
const secrets = new TestSecrets({ username: user, password });
const address = { host, port, database: "bench", tls: false };
const database = { address, secrets, adminSecret: "admin", appSecret: "app" };
const log = { info: () => {}, warn: () => {} };
// Nobody answers there, and nobody is asked.
const client = { region: "-", endpoint: "http://127.0.0.1:9", credentials: { accessKeyId: "-", secretAccessKey: "-" } };

const alone = await openMysql(database);
const both = await openStore({ database, tableName: "bench", log, client });
let id = 1_000_000;
const author = String(++id);
const newcomer = { id: author, name: "bench", displayName: "", passwordHash: "", createdAt: 1 };
await alone.store.createUser(newcomer);

async function measure({ store }: OpenStore, work: (store: OpenStore["store"]) => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  for (let done = 0; done < operations; done++) await work(store);
  return ((performance.now() - begin) * 1000) / operations;
}

const kinds = {
  read: (store: OpenStore["store"]) => store.user(author),
  write: (store: OpenStore["store"]) =>
    store.createPost({ id: String(++id), authorId: author, text: "chirp", createdAt: 1 }),
};
const median = (times: number[]) => times.sort((a, b) => a - b)[times.length >> 1] as number;
for (const [kind, work] of Object.entries(kinds)) {
  const found = { alone: [] as number[], both: [] as number[] };
  // In turns, so that what else the machine does meets both.
  for (let round = 0; round < rounds; round++) {
    found.alone.push(await measure(alone, work));
    found.both.push(await measure(both, work));
  }
  const [a, b] = [median(found.alone), median(found.both)];
  console.log(
    `${kind}: ${a.toFixed(0)} µs with MySQL alone, ${b.toFixed(0)} µs with two stores (${(b / a).toFixed(2)})`,
  );
}

await alone.close();
await both.close();
await stop();
rmSync(folder, { recursive: true, force: true });
