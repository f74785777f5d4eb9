import fc from "fast-check";
import { type RowIn, type TableName, tableNames } from "../../../app/store/dynamodb/items.ts";
import type { TableRow } from "../../../app/store/dynamodb/mapping.ts";

const unsigned = fc.oneof(
  fc.bigInt(0n, 2n ** 64n - 1n),
  fc.constantFrom(0n, 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n),
);
const id = unsigned.map(String);
const micros = fc.oneof(fc.nat(), fc.maxSafeNat(), fc.constantFrom(0, 1_700_000_000_123_456, Number.MAX_SAFE_INTEGER));
const text = (maxLength: number) =>
  fc.oneof(
    fc.string({ unit: "binary", maxLength }),
    fc.constantFrom("", " ", "  two ", "é", "e\u0301", "☀️🐈", "\u0000\t\n"),
  );
const bytes = (minLength: number, maxLength = minLength) =>
  fc
    .tuple(fc.uint8Array({ minLength, maxLength }), fc.nat(3))
    // Zeros at the end get lost easily.
    .map(([array, zeros]) => Buffer.from(array).fill(0, Math.max(0, array.length - zeros)));
const name = fc.stringMatching(/^[A-Za-z0-9_]{1,30}$/);
const versioned = { deleted: fc.boolean(), version: unsigned };

const rows: { [N in TableName]: fc.Arbitrary<RowIn<N>> } = {
  users: fc
    .record({
      id,
      name,
      display_name: text(50),
      bio: text(160),
      password_hash: text(200),
      created_at: micros,
      ...versioned,
    })
    .map((row) => ({ ...row, name_key: Buffer.from(row.name.toLowerCase()) })),
  user_counters: fc.record({
    user_id: id,
    posts: fc.nat(),
    followers: fc.nat(),
    following: fc.nat(),
    version: unsigned,
  }),
  posts: fc.record({
    id,
    author_id: id,
    text: text(280),
    media: fc.option(text(1000)),
    created_at: micros,
    ...versioned,
  }),
  post_counters: fc.record({ post_id: id, likes: fc.nat(), version: unsigned }),
  follows: fc.record({ follower_id: id, followee_id: id, created_at: micros, ...versioned }),
  likes: fc.record({ user_id: id, post_id: id, created_at: micros, ...versioned }),
  sessions: fc.record({ user_id: id, token_hash: bytes(32), created_at: micros, expires_at: micros, ...versioned }),
  idempotency_keys: fc.record({
    user_id: id,
    key_hash: bytes(32),
    kind: fc.constantFrom("user", "post"),
    fingerprint: bytes(32),
    result_id: id,
    created_at: micros,
    ...versioned,
  }),
};

/** Rows of a table, as objects like any other: fast-check's have no prototype. */
export function rowsIn<N extends TableName>(table: N): fc.Arbitrary<RowIn<N>> {
  return (rows[table] as fc.Arbitrary<RowIn<N>>).map((row) => ({ ...row }));
}

/** A row of any table, with values at and beyond the edges. */
export const anyRow: fc.Arbitrary<TableRow> = fc.oneof(
  ...tableNames.map((table) => rowsIn(table).map((row) => ({ table, row }) as TableRow)),
);
