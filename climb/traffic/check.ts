import { type Connection, createConnection, type RowDataPacket } from "mysql2/promise";
import { type Expected, expect, type Wanted } from "./expected.ts";
import type { Target } from "./client.ts";
import { readLedger } from "./ledger.ts";
import { type ExpectedPicture, readBack } from "./read-back.ts";

/** The database, as its administrator. */
export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** What a ledger demands, held against the rows that are there. */
export interface Check {
  /** Acknowledged writes in the ledger. */
  readonly writes: number;
  /** Rows that they demand: several writes may concern one row. */
  readonly rows: number;
  /** Of these, rows that are there in the right state. */
  readonly found: number;
  /** Pictures of posts that are there, and those that came back byte by byte; absent while nothing serves pictures. */
  readonly pictures?: { readonly expected: number; readonly same: number };
  /** Posts that are there more than once: a retry that was taken for a new post. */
  readonly duplicates: number;
  /** The first few rows that are missing, wrong or double, in words. */
  readonly samples: readonly string[];
}

/** Rows asked for at once. */
const batchSize = 500;
const sampleLimit = 8;

/**
 * Looks up in the database, one by one, every row that the ledger's acknowledged writes demand. Nothing may write
 * meanwhile on behalf of the ledger's people.
 *
 * @param pictures the address that serves pictures, to read them back from; undefined while nothing serves them
 */
export async function checkLedger(path: string, address: DatabaseAddress, pictures?: Target): Promise<Check> {
  const expected = await expect(readLedger(path));
  const connection = await createConnection({ ...address, supportBigNumbers: true, bigNumberStrings: true });
  try {
    return await new Checker(connection, pictures).check(expected);
  } finally {
    await connection.end();
  }
}

class Checker {
  readonly #connection: Connection;
  readonly #front: Target | undefined;
  readonly #pictures: ExpectedPicture[] = [];
  readonly #samples: string[] = [];
  #rows = 0;
  #found = 0;
  #duplicates = 0;

  constructor(connection: Connection, front: Target | undefined) {
    this.#connection = connection;
    this.#front = front;
  }

  async check(expected: Expected): Promise<Check> {
    await this.#users(expected.users);
    await this.#posts(expected.posts);
    await this.#relations("follows", ["follower_id", "followee_id"], expected.follows);
    await this.#relations("likes", ["user_id", "post_id"], expected.likes);
    await this.#doubles([...expected.users.keys()]);
    const pictures = this.#front ? await readBack(this.#front, this.#pictures) : undefined;
    for (const problem of pictures?.problems ?? []) this.#sample(problem);
    return {
      writes: expected.writes,
      rows: this.#rows,
      found: this.#found,
      duplicates: this.#duplicates,
      ...(pictures && { pictures: { expected: this.#pictures.length, same: pictures.same } }),
      samples: this.#samples,
    };
  }

  async #users(users: Expected["users"]): Promise<void> {
    for (const ids of batches([...users.keys()])) {
      const rows = await this.#query("SELECT id, name, deleted FROM users WHERE id IN (?)", [ids.map(BigInt)]);
      const byId = new Map(rows.map((row) => [row.id, row]));
      for (const id of ids) {
        const row = byId.get(id);
        const right = row?.name === users.get(id) && row?.deleted === 0;
        this.#row(
          right,
          () => `user ${users.get(id)} (${id}) is ${row ? `there as ${JSON.stringify(row)}` : "missing"}`,
        );
      }
    }
  }

  async #posts(posts: Expected["posts"]): Promise<void> {
    for (const ids of batches([...posts.keys()])) {
      const rows = await this.#query("SELECT id, author_id, text, media, deleted FROM posts WHERE id IN (?)", [
        ids.map(BigInt),
      ]);
      const byId = new Map(rows.map((row) => [row.id, row]));
      for (const id of ids) {
        const post = posts.get(id);
        const row = byId.get(id);
        const same = row !== undefined && row.author_id === post?.author && row.text === post?.text;
        const key = row?.media && (JSON.parse(row.media as string) as { key: string }[])[0]?.key;
        const right = same && agrees(post?.present, row.deleted === 0) && (post?.picture === undefined) === !key;
        if (right && post?.picture && post.present === "on")
          this.#pictures.push({ path: `/${key}`, sha256: post.picture });
        this.#row(right, () =>
          row
            ? `post ${id} should be ${JSON.stringify(post)} and is ${JSON.stringify(row)}`
            : `post ${id}, "${post?.text}", is missing`,
        );
      }
    }
  }

  async #relations(table: string, columns: readonly [string, string], wanted: Map<string, Wanted>): Promise<void> {
    for (const keys of batches([...wanted.keys()])) {
      const rows = await this.#query(
        `SELECT ${columns[0]} AS a, ${columns[1]} AS b, deleted FROM ${table} WHERE (${columns.join(", ")}) IN (?)`,
        [keys.map((key) => key.split(" ").map(BigInt))],
      );
      const on = new Set(rows.filter((row) => row.deleted === 0).map((row) => `${row.a} ${row.b}`));
      for (const key of keys) {
        const right = agrees(wanted.get(key), on.has(key));
        this.#row(right, () => `${table} ${key} should be ${wanted.get(key)} and is ${on.has(key) ? "on" : "off"}`);
      }
    }
  }

  /** Every text of the traffic is unique, so a text that an author has twice was made twice. */
  async #doubles(authors: readonly string[]): Promise<void> {
    for (const ids of batches(authors)) {
      const rows = await this.#query(
        "SELECT text, COUNT(*) AS n FROM posts WHERE author_id IN (?) GROUP BY author_id, text HAVING n > 1",
        [ids.map(BigInt)],
      );
      this.#duplicates += rows.length;
      for (const row of rows) this.#sample(`post "${row.text}" is there ${row.n} times`);
    }
  }

  #row(right: boolean, describe: () => string): void {
    this.#rows++;
    if (right) this.#found++;
    else this.#sample(describe());
  }

  #sample(text: string): void {
    if (this.#samples.length < sampleLimit) this.#samples.push(text);
  }

  async #query(sql: string, values: unknown[]): Promise<RowDataPacket[]> {
    return (await this.#connection.query<RowDataPacket[]>(sql, values))[0];
  }
}

function agrees(wanted: Wanted | undefined, on: boolean): boolean {
  return wanted === "either" || wanted === (on ? "on" : "off");
}

function* batches<T>(list: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += batchSize) yield list.slice(at, at + batchSize);
}
