import { nameKey } from "../../app/domain/names.ts";
import { snowflakeEpoch } from "../../app/domain/snowflake.ts";
import type { Version } from "../../app/domain/version.ts";
import { Random } from "./random.ts";
import { aDisplayName, aText, firstNames } from "./words.ts";

/** Rows of one table, ready to be inserted: each has a value for every column. */
export interface TableRows {
  readonly table: "users" | "user_counters" | "posts" | "post_counters" | "follows" | "likes";
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

export interface HistoryOptions {
  /** 1 for 2,000 users with 20,000 posts, 20,000 follows and 20,000 likes, 10 for ten times that. */
  readonly scale: number;
  /** What the rows follow from. @default 1 */
  readonly seed?: number;
  /** Hash of everybody's password. */
  readonly passwordHash: string;
  /** Version of a row that has never been changed. */
  readonly first: Version;
}

/** The time that the history takes, in Unix milliseconds: long over. */
const begin = Date.UTC(2023, 4, 1);
const end = Date.UTC(2024, 11, 31);

const perScale = { users: 2000, posts: 20_000, follows: 20_000, likes: 20_000 };

/** Share of what was made and is no more; on top of the numbers above. */
const withdrawn = 0.05;

/** A worker number that servers seldom get: they take the lowest that are free. */
const worker = 1023n;

/** Ids in the order of time, as servers make them. */
class Ids {
  #last = 0;
  #sequence = 0n;

  at(time: number): bigint {
    this.#sequence = time === this.#last ? this.#sequence + 1n : 0n;
    this.#last = time;
    return (BigInt(time - snowflakeEpoch) << 22n) | (worker << 12n) | this.#sequence;
  }
}

/** A row that counts its changes: each has raised its version by one. */
interface Counted {
  changes: number;
}

interface Person extends Counted {
  readonly id: bigint;
  readonly joined: number;
  posts: number;
  followers: number;
  following: number;
}

interface Written extends Counted {
  readonly id: bigint;
  readonly at: number;
  likes: number;
}

/**
 * What people did before anybody watched: a few are followed by many, some posts are liked by many, some things were
 * taken back. Counters hold what they count, versions what happened to the row. The same scale and seed give the same.
 */
export function makeHistory({ scale, seed = 1, passwordHash, first }: HistoryOptions): TableRows[] {
  const random = new Random(seed);
  const [users, people] = makeUsers(perScale.users * scale, random, passwordHash, first);
  const [posts, written] = makePosts(perScale.posts * scale, people, random, first);
  const follows = makeRelations(perScale.follows * scale, random, first, () => {
    const [follower, followee] = [random.pick(people), people[random.popular(people.length)] as Person];
    if (follower === followee) return undefined;
    const undo = (step: 1 | -1) => {
      follower.following += step;
      followee.followers += step;
      follower.changes += 1;
      followee.changes += 1;
    };
    return { from: follower.id, to: followee.id, since: Math.max(follower.joined, followee.joined), count: undo };
  });
  const likes = makeRelations(perScale.likes * scale, random, first, () => {
    const [fan, post] = [random.pick(people), written[random.popular(written.length)] as Written];
    const count = (step: 1 | -1) => {
      post.likes += step;
      post.changes += 1;
    };
    return { from: fan.id, to: post.id, since: Math.max(fan.joined, post.at), count };
  });
  return [
    { table: "users", columns: userColumns, rows: users },
    {
      table: "user_counters",
      columns: ["user_id", "posts", "followers", "following", "version"],
      rows: people.map((person) => [
        person.id,
        person.posts,
        person.followers,
        person.following,
        first + BigInt(person.changes),
      ]),
    },
    { table: "posts", columns: postColumns, rows: posts },
    {
      table: "post_counters",
      columns: ["post_id", "likes", "version"],
      rows: written.map((post) => [post.id, post.likes, first + BigInt(post.changes)]),
    },
    { table: "follows", columns: ["follower_id", "followee_id", ...relationColumns], rows: follows },
    { table: "likes", columns: ["user_id", "post_id", ...relationColumns], rows: likes },
  ];
}

const userColumns = [
  "id",
  "name",
  "name_key",
  "display_name",
  "bio",
  "password_hash",
  "created_at",
  "deleted",
  "version",
];
const postColumns = ["id", "author_id", "text", "created_at", "deleted", "version"];
const relationColumns = ["created_at", "deleted", "version"];

function makeUsers(count: number, random: Random, passwordHash: string, first: Version): [unknown[][], Person[]] {
  const ids = new Ids();
  const people: Person[] = [];
  const rows = times(count, begin, (begin + end) / 2).map((joined, index) => {
    const person = { id: ids.at(joined), joined, posts: 0, followers: 0, following: 0, changes: 0 };
    people.push(person);
    const firstName = random.pick(firstNames);
    // Shorter than the names that traffic makes, so never one of them.
    const name = `${firstName}_h${index.toString(36)}`;
    const key = Buffer.from(nameKey(name));
    return [person.id, name, key, aDisplayName(random, firstName), "", passwordHash, joined * 1000, 0, first];
  });
  return [rows, people];
}

function makePosts(count: number, people: readonly Person[], random: Random, first: Version): [unknown[][], Written[]] {
  const ids = new Ids();
  const written: Written[] = [];
  const all = Math.ceil(count * (1 + withdrawn));
  const rows = times(all, (begin + end) / 2, end).map((at, index) => {
    const author = people[random.popular(people.length)] as Person;
    const post = { id: ids.at(at), at, likes: 0, changes: 0 };
    // Evenly spread, so that exactly as many are left as were asked for.
    const isDeleted = isOneOf(all - count, all, index);
    if (!isDeleted) author.posts += 1;
    author.changes += isDeleted ? 2 : 1;
    written.push(post);
    return [post.id, author.id, aText(random), at * 1000, isDeleted ? 1 : 0, first + (isDeleted ? 1n : 0n)];
  });
  return [rows, written];
}

interface Edge {
  readonly from: bigint;
  readonly to: bigint;
  /** When both were there. */
  readonly since: number;
  readonly count: (step: 1 | -1) => void;
}

/** As many relations as asked for, and some that were withdrawn; none twice. */
function makeRelations(count: number, random: Random, first: Version, propose: () => Edge | undefined): unknown[][] {
  const known = new Set<string>();
  const rows: unknown[][] = [];
  const all = Math.ceil(count * (1 + withdrawn));
  while (rows.length < all) {
    const edge = propose();
    const key = edge && `${edge.from} ${edge.to}`;
    if (!edge || !key || known.has(key)) continue;
    known.add(key);
    const isWithdrawn = isOneOf(all - count, all, rows.length);
    edge.count(1);
    if (isWithdrawn) edge.count(-1);
    const at = edge.since + random.below(end - edge.since + 1);
    rows.push([edge.from, edge.to, at * 1000, isWithdrawn ? 1 : 0, first + (isWithdrawn ? 1n : 0n)]);
  }
  return rows;
}

/** Times at equal distances. */
function times(count: number, from: number, to: number): number[] {
  return Array.from({ length: count }, (_, index) => Math.floor(from + ((to - from) * index) / count));
}

/** Whether the element at this place is one of `some` that are evenly spread over `all`. */
function isOneOf(some: number, all: number, place: number): boolean {
  return Math.floor(((place + 1) * some) / all) > Math.floor((place * some) / all);
}
