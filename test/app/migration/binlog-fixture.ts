import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Connection, createConnection } from "mysql2/promise";
import type { Credentials } from "../../../app/aws/secrets.ts";
import type { Position } from "../../../app/migration/binlog/position.ts";
import { askingBy, currentPosition } from "../../../app/migration/binlog/server.ts";
import type { DeadLetter, DeadLetters, MappedRow, Sink, Tally } from "../../../app/migration/model.ts";
import { contentOf, keyOf, versionOf } from "../../../app/store/dynamodb/mapping.ts";
import type { Item } from "../../../app/store/dynamodb/items.ts";
import type { DatabaseAddress } from "../../../app/store/mysql/login.ts";
import { migrate } from "../../../app/store/mysql/migrate.ts";
import { type Database, startDatabase } from "../../../local/parts/database.ts";

/** A database server of a suite's own, with the service's schema: its binlog holds nothing but what the suite does. */
export class BinlogServer {
  readonly folder: string;
  #server: Database;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #connections: Connection[] = [];

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<BinlogServer> {
    const folder = await mkdtemp(join(tmpdir(), "chirp-test-binlog-"));
    const started = new BinlogServer(folder, await startDatabase({ dir: folder, settings }), settings);
    const admin = await started.connect("");
    await admin.query("CREATE DATABASE chirp CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    await admin.query("USE chirp");
    await migrate(admin);
    return started;
  }

  private constructor(folder: string, server: Database, settings: Readonly<Record<string, string>>) {
    this.folder = folder;
    this.#server = server;
    this.#settings = settings;
  }

  get address(): DatabaseAddress {
    const { host, port } = this.#server;
    return { host, port, database: "chirp", tls: false };
  }

  get admin(): Credentials {
    return { username: this.#server.user, password: this.#server.password };
  }

  get pid(): number {
    return this.#server.pid;
  }

  /** As follow() takes it. */
  get source() {
    return { address: this.address, credentials: async () => this.admin };
  }

  /** A connection that ends with the server; as the operator it may also change how its session logs. */
  async connect(schema = "chirp", as: "admin" | "operator" = "admin"): Promise<Connection> {
    const { host, port, user, password, operator } = this.#server;
    const login = as === "operator" && operator ? operator : { user, password };
    const connection = await createConnection({
      host,
      port,
      ...login,
      ...(schema === "" ? {} : { database: schema }),
      supportBigNumbers: true,
      bigNumberStrings: true,
    });
    connection.on("error", () => {}); // it goes with the server
    this.#connections.push(connection);
    return connection;
  }

  async position(): Promise<Position> {
    return currentPosition(askingBy(await this.connect()));
  }

  /** Ends the server as a power cut of its process would, and starts it again over the same data. */
  async crash(): Promise<void> {
    const { port, password, exited } = this.#server;
    process.kill(this.#server.pid, "SIGKILL");
    await exited;
    this.#server = await startDatabase({ dir: this.folder, port, password, settings: this.#settings });
  }

  async stop(): Promise<void> {
    for (const connection of this.#connections) connection.destroy();
    await this.#server.stop();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A table in memory that guards by version as the real one does; writes can be held up, or refused. */
export class MemorySink implements Pick<Sink, "apply"> {
  readonly items = new Map<string, Item>();
  /** Keys of rows and their versions, in the order they were applied. */
  readonly applied: { key: string; version: bigint }[] = [];
  hold: (row: MappedRow) => Promise<void> = async () => {};

  async apply(row: MappedRow): Promise<Tally> {
    await this.hold(row);
    this.applied.push({ key: row.key, version: row.version });
    const tally = { applied: 0, same: 0, newer: 0, conflict: 0 };
    for (const item of row.items) tally[this.#put(item)]++;
    return tally;
  }

  #put(item: Item): keyof Tally {
    const { pk, sk } = keyOf(item);
    const found = this.items.get(`${pk}/${sk}`);
    if (found && versionOf(found) > versionOf(item)) return "newer";
    if (found && versionOf(found) === versionOf(item))
      return contentOf(found) === contentOf(item) ? "same" : "conflict";
    this.items.set(`${pk}/${sk}`, item);
    return "applied";
  }
}

/** Dead letters in memory. */
export class MemoryLetters implements DeadLetters {
  readonly letters = new Map<string, DeadLetter>();

  async add(letter: Omit<DeadLetter, "at">): Promise<void> {
    this.letters.set(letter.key, { ...letter, at: new Date().toISOString() });
  }

  async resolve(key: string): Promise<void> {
    this.letters.delete(key);
  }

  async list(): Promise<DeadLetter[]> {
    return [...this.letters.values()];
  }
}

export const silent = { info: () => {}, warn: () => {} };
