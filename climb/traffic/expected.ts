import type { Entry } from "./ledger.ts";

/** Whether a relation must be on, must be off, or may be either, because an answer never came. */
export type Wanted = "on" | "off" | "either";

export interface ExpectedPost {
  readonly author: string;
  readonly text: string;
  /** SHA-256 of its picture, if it has one. */
  readonly picture: string | undefined;
  present: Wanted;
}

/** What must be in the database after everything a ledger says. */
export interface Expected {
  /** Acknowledged writes. */
  writes: number;
  /** Names by user id. */
  readonly users: Map<string, string>;
  readonly posts: Map<string, ExpectedPost>;
  /** By "follower followee". */
  readonly follows: Map<string, Wanted>;
  /** By "user post". */
  readonly likes: Map<string, Wanted>;
}

/**
 * Folds a ledger into the state that it demands. The traffic sends one person's requests one after another, and a
 * relation belongs to one person, so the order of the lines is the order of the writes.
 */
export async function expect(ledger: AsyncIterable<Entry>): Promise<Expected> {
  const expected: Expected = { writes: 0, users: new Map(), posts: new Map(), follows: new Map(), likes: new Map() };
  const open = new Set<string>();
  for await (const entry of ledger) apply(expected, open, entry);
  for (const key of open) doubt(expected, key);
  return expected;
}

function apply(expected: Expected, open: Set<string>, { acknowledged, id, write }: Entry): void {
  if (acknowledged) expected.writes++;
  const key = keyOf(write);
  if (!key) {
    // Creations: nothing is demanded of one whose id we were never told.
    if (acknowledged && id && write.kind === "user") expected.users.set(id, write.name);
    if (acknowledged && id && write.kind === "post")
      expected.posts.set(id, { author: write.author, text: write.text, picture: write.picture, present: "on" });
    return;
  }
  if (!acknowledged) {
    // An earlier attempt that was never answered may still arrive, at any time: the state stays open for good.
    if (open.has(key)) doubt(expected, key);
    open.add(key);
    return;
  }
  open.delete(key);
  settle(expected, key, write.kind !== "delete" && "on" in write && write.on ? "on" : "off");
}

function keyOf(write: Entry["write"]): string | undefined {
  if (write.kind === "delete") return `post ${write.post}`;
  if (write.kind === "follow") return `follow ${write.follower} ${write.followee}`;
  if (write.kind === "like") return `like ${write.user} ${write.post}`;
  return undefined;
}

function doubt(expected: Expected, key: string): void {
  set(expected, key, "either");
}

function settle(expected: Expected, key: string, wanted: Wanted): void {
  if (get(expected, key) !== "either") set(expected, key, wanted);
}

function get(expected: Expected, key: string): Wanted | undefined {
  const { kind, name } = split(key);
  if (kind === "post") return expected.posts.get(name)?.present;
  return (kind === "follow" ? expected.follows : expected.likes).get(name);
}

function set(expected: Expected, key: string, wanted: Wanted): void {
  const { kind, name } = split(key);
  if (kind === "post") {
    const post = expected.posts.get(name);
    if (post) post.present = wanted;
  } else (kind === "follow" ? expected.follows : expected.likes).set(name, wanted);
}

function split(key: string): { kind: string; name: string } {
  const at = key.indexOf(" ");
  return { kind: key.slice(0, at), name: key.slice(at + 1) };
}
