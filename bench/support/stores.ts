import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, createConnection } from "mysql2/promise";
import { migratingClient } from "../../app/migration/client.ts";
import { openSource, type Source } from "../../app/migration/source.ts";
import { migrate } from "../../app/store/mysql/migrate.ts";
import { startDatabase } from "../../local/parts/database.ts";
import { startDynamo } from "../../local/parts/dynamodb.ts";
import { createBenchTable } from "./table.ts";

/** A database server and an emulator as the climb has them: on disk, the service's table with its stream. */
export async function openStores() {
  const folder = mkdtempSync(join(tmpdir(), "chirp-bench-"));
  const [server, dynamo] = await Promise.all([
    startDatabase({ dir: join(folder, "mysql") }),
    startDynamo({ dir: join(folder, "dynamodb") }),
  ]);
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const client = migratingClient({ region: "eu-central-1", credentials, endpoint: dynamo.endpoint });
  const tableName = await createBenchTable(client, "bench");
  const journalTable = await createBenchTable(client, "journal", { stream: false });
  const close: (() => Promise<unknown>)[] = [];
  return {
    client,
    tableName,
    journalTable,
    dynamo,
    /** A database of that name with the service's empty tables, and how to reach it from another process. */
    async database(name: string): Promise<{ connection: Connection; source: Source; url: string }> {
      const login = { host: server.host, port: server.port, user: server.user, password: server.password };
      const admin = await createConnection(login);
      await admin.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
      await admin.end();
      const connection = await createConnection({ ...login, database: name });
      await migrate(connection);
      const source = openSource({
        address: { host: server.host, port: server.port, database: name, tls: false },
        credentials: async () => ({ username: server.user, password: server.password }),
      });
      close.push(
        () => connection.end(),
        () => source.close(),
      );
      const url = `mysql://${server.user}:${server.password}@${server.host}:${server.port}/${name}`;
      return { connection, source, url };
    },
    async stop(): Promise<void> {
      for (const one of close) await one();
      client.destroy();
      await Promise.all([server.stop(), dynamo.stop()]);
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Seconds that the work takes. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Most memory that this process had while the work went on, in MB. */
export async function peakMemory(work: () => Promise<unknown>): Promise<number> {
  let most = 0;
  const look = () => {
    most = Math.max(most, process.memoryUsage.rss());
  };
  const timer = setInterval(look, 50);
  look();
  await work();
  look();
  clearInterval(timer);
  return Math.round(most / 1e6);
}
