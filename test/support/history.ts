import type { Connection } from "mysql2/promise";
import { firstVersion } from "../../app/domain/version.ts";

export interface HistorySize {
  readonly users: number;
  readonly posts: number;
  /** Of each of both, at most: some may come out twice. */
  readonly relations: number;
  /** Makes ids and names that no other number makes. @default 0 */
  readonly generation?: number;
}

const version = String(firstVersion(1n));
const rowsPerStatement = 1000;

/**
 * Fills the tables as a service of some age would have: users with followers, posts with likes, a session each, and
 * counters that are right. The same numbers make the same rows.
 */
export async function writeHistory(connection: Connection, size: HistorySize): Promise<void> {
  // Made minutes apart, beyond what a double knows to every digit.
  const { generation = 0 } = size;
  const first = 7_000_000_000_000_000_000n + BigInt(generation) * 200_000_000_000_000_000n;
  const user = (number: number) => String(first + BigInt(number) * 250_000_000n);
  const post = (number: number) => String(first + 100_000_000_000_000_000n + BigInt(number) * 40_000_000n);
  const name = (number: number) => `person_${generation}_${number}`;
  const chance = seeded(1);
  const someone = () => Math.floor(chance() ** 2 * size.users);
  const authors = Array.from({ length: size.posts }, someone);
  const pairs = (first: () => number, second: () => number) => {
    const found = new Map<string, [number, number]>();
    for (let index = 0; index < size.relations; index++) {
      const pair: [number, number] = [first(), second()];
      found.set(pair.join(), pair);
    }
    return [...found.values()];
  };
  const follows = pairs(someone, someone).filter(([from, to]) => from !== to);
  const likes = size.posts === 0 ? [] : pairs(someone, () => Math.floor(chance() * size.posts));

  await insert(connection, "users", size.users, (number) => [
    user(number),
    name(number),
    Buffer.from(name(number)),
    `Person ${number} ☀️`,
    "Nothing to see here, but it takes a line or two.",
    "scrypt$".padEnd(120, "x"),
    1_700_000_000_000_000 + number,
    0,
    version,
  ]);
  await insert(connection, "sessions", size.users, (number) => {
    const hash = Buffer.alloc(32);
    hash.writeUInt32BE(number + 1);
    return [user(number), hash, 1_700_000_000_000_000, 1_900_000_000_000_000, 0, version];
  });
  await insert(connection, "posts (id, author_id, text, media, created_at, deleted, version)", size.posts, (number) => [
    post(number),
    user(authors[number] as number),
    `Chirp number ${number}: ${"words ".repeat(number % 30)}`,
    null,
    1_700_000_000_000_000 + number,
    number % 50 === 0 ? 1 : 0,
    version,
  ]);
  const relation = (pair: [number, number], target: (number: number) => string, index: number) => [
    user(pair[0]),
    target(pair[1]),
    1_700_000_000_000_000 + index,
    index % 40 === 0 ? 1 : 0,
    version,
  ];
  await insert(connection, "follows", follows.length, (index) => relation(follows[index] as never, user, index));
  await insert(connection, "likes", likes.length, (index) => relation(likes[index] as never, post, index));
  await connection.query(
    `INSERT INTO user_counters (user_id, posts, followers, following, version) SELECT u.id,
       (SELECT COUNT(*) FROM posts p WHERE p.author_id = u.id AND p.deleted = 0),
       (SELECT COUNT(*) FROM follows f WHERE f.followee_id = u.id AND f.deleted = 0),
       (SELECT COUNT(*) FROM follows f WHERE f.follower_id = u.id AND f.deleted = 0), ${version} FROM users u`,
  );
  await connection.query(
    `INSERT INTO post_counters (post_id, likes, version) SELECT p.id,
       (SELECT COUNT(*) FROM likes l WHERE l.post_id = p.id AND l.deleted = 0), ${version} FROM posts p`,
  );
}

async function insert(
  connection: Connection,
  into: string,
  count: number,
  row: (number: number) => unknown[],
): Promise<void> {
  for (let start = 0; start < count; start += rowsPerStatement) {
    const rows = Array.from({ length: Math.min(rowsPerStatement, count - start) }, (_, index) => row(start + index));
    await connection.query(`INSERT INTO ${into} VALUES ?`, [rows]);
  }
}

/** Numbers from 0 to 1 that look random and are the same each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
