import assert from "node:assert/strict";
import { BatchWriteItemCommand } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import type { Connection, RowDataPacket } from "mysql2/promise";
import { migrate } from "../../../app/store/mysql/migrate.ts";
import { type Item, type TableName, tableNames, tableOf } from "../../../app/store/dynamodb/items.ts";
import {
  contentOf,
  isMapped,
  isOfRow,
  itemsOf,
  keyOf,
  MappingError,
  readRow,
  rowKey,
  rowOf,
  sizeOf,
  type TableRow,
  versionOf,
} from "../../../app/store/dynamodb/mapping.ts";
import { withOrigin } from "../../../app/store/dynamodb/apply.ts";
import { testDatabase } from "../../support/test-database.ts";
import { sharedEmulator, type TestTable, testTable } from "../../support/test-dynamo.ts";
import { anyRow, rowsIn } from "./arbitrary-rows.ts";

const items = ({ table, row }: TableRow): Item[] => itemsOf(table, row as never);

describe("Mapping of rows to items", () => {
  it("gives back the very row from its first item, and nothing from its lookups", () => {
    fc.assert(
      fc.property(anyRow, (original) => {
        const [whole, ...lookups] = items(original);
        assert.deepEqual(rowOf(whole as Item), original);
        for (const lookup of lookups) assert.equal(rowOf(lookup), undefined);
      }),
    );
  });

  it("gives every item of a row its version as it is, and a key of its own", () => {
    fc.assert(
      fc.property(anyRow, (original) => {
        const all = items(original);
        for (const item of all) {
          assert.equal(versionOf(item), original.row.version);
          assert.equal(item.deleted?.BOOL, (original.row as { deleted?: boolean }).deleted);
          assert.ok(isOfRow(item));
          assert.ok(item.pk?.S && item.sk?.S);
        }
        assert.equal(new Set(all.map((item) => JSON.stringify(keyOf(item)))).size, all.length);
      }),
    );
  });

  it("gives different rows different content, and the same row the same, whoever applied it", () => {
    fc.assert(
      fc.property(anyRow, anyRow, (one, other) => {
        const contents = (row: TableRow) => items(row).map(contentOf);
        assert.deepEqual(contents(one), contents(structuredCloneRow(one)));
        assert.deepEqual(
          items(one).map((item) => contentOf(withOrigin(item, "cdc"))),
          contents(one),
        );
        const isSame = one.table === other.table && one.row.version === other.row.version && isEqual(one, other);
        assert.equal(contents(one)[0] === contents(other)[0], isSame);
      }),
    );
  });

  it("takes ids and versions beyond 2^53 in every exact form, and refuses numbers that have lost digits", () => {
    const exact = 9_007_199_254_740_993n;
    for (const form of [exact, String(exact)]) {
      const row = readRow("post_counters", { post_id: form, likes: "3", version: form });
      assert.deepEqual(row, { post_id: "9007199254740993", likes: 3, version: exact });
    }
    assert.throws(
      () => readRow("post_counters", { post_id: Number(exact), likes: 0.5, version: "1" }),
      /post_id: number 9007199254740992 is not a whole number that is known to every digit; likes: number 0.5/,
    );
  });

  it("puts back the zeros that a binlog leaves out at the end of a hash", () => {
    const hash = Buffer.from("ab".repeat(30) + "0000", "hex");
    const raw = { user_id: 1, created_at: 2, expires_at: 3, deleted: 0, version: 4 };
    assert.deepEqual(readRow("sessions", { ...raw, token_hash: hash.subarray(0, 30) }).token_hash, hash);
    assert.throws(() => readRow("sessions", { ...raw, token_hash: Buffer.alloc(33) }), /token_hash: 33 bytes/);
  });

  it("refuses what it cannot keep, with every reason at once", () => {
    const bad = {
      user_id: -1,
      token_hash: "text",
      created_at: null,
      expires_at: "1e3",
      deleted: 2,
      version: 2n ** 64n,
    };
    assert.throws(
      () => readRow("sessions", { ...bad, device: "phone" }),
      (error) => {
        assert.ok(error instanceof MappingError);
        assert.equal(error.table, "sessions");
        assert.deepEqual(
          error.reasons.map((reason) => reason.split(":")[0]),
          [
            "its column device is not known here",
            "user_id",
            "token_hash",
            "created_at",
            "expires_at",
            "deleted",
            "version",
          ],
        );
        return true;
      },
    );
    assert.throws(() => readRow("post_counters", {}), /post_id: nothing is not a whole number/);
    const post = { id: "1", author_id: "2", text: "\ud800", media: null, created_at: 1, deleted: 0, version: 1 };
    assert.throws(() => readRow("posts", post), /text: it is not valid Unicode/);
    const large = readRow("posts", { ...post, text: "", media: "x".repeat(400 * 1024) });
    assert.throws(() => itemsOf("posts", large), /an item of \d+ bytes is over DynamoDB's limit/);
    assert.equal(isMapped("login_attempts"), false);
  });

  describe("on real servers", function () {
    this.timeout(60_000);
    let connection: Connection;
    let made: TestTable;

    before(async function start() {
      this.timeout(120_000);
      [connection, made] = await Promise.all([testDatabase().then((database) => database.connect()), testTable()]);
      await sharedEmulator();
      await migrate(connection);
    });

    it("knows every column of every table that migrates", async () => {
      const [columns] = await connection.query<RowDataPacket[]>(
        "SELECT table_name AS t, column_name AS c FROM information_schema.columns WHERE table_schema = DATABASE()",
      );
      for (const table of tableNames) {
        const inSchema = columns.filter(({ t }) => t === table).map(({ c }) => c as string);
        assert.deepEqual(Object.keys(tableOf(table).columns).sort(), inSchema.sort(), table);
      }
      // Servers' own business, and the record itself: each is left out on purpose.
      const others = new Set(columns.map(({ t }) => t as string).filter((table) => !isMapped(table)));
      assert.deepEqual([...others].sort(), [
        "control",
        "login_attempts",
        "outbox",
        "picture_removals",
        "schema_migrations",
        "workers",
      ]);
    });

    for (const table of tableNames)
      it(`brings rows of ${table} from MySQL to DynamoDB and back without changing a bit`, () =>
        fc.assert(
          fc.asyncProperty(rowsOf(table), async (rows) => {
            await connection.query(`DELETE FROM ${table}`);
            for (const row of rows) await connection.query(`INSERT INTO ${table} SET ?`, [toSql(row)]);
            const [read] = await connection.query<RowDataPacket[]>(`SELECT * FROM ${table}`);
            const found = await throughDynamo(
              made,
              table,
              read.map((raw) => readRow(table, raw) as never),
            );
            assert.deepEqual(sorted(table, found), sorted(table, rows));
          }),
          { numRuns: 15 },
        ));
  });
});

/** Rows that one table can hold at once. */
function rowsOf(table: TableName): fc.Arbitrary<never[]> {
  const distinct = (rows: unknown[], keyOf: (row: never) => string) => [
    ...new Map(rows.map((row) => [keyOf(row as never), row as never])).values(),
  ];
  return fc.array(rowsIn(table), { minLength: 1, maxLength: 20 }).map((rows) => {
    const byKey = distinct(rows, (row) => rowKey(table, row));
    return table === "users" ? distinct(byKey, (row: { name_key: Buffer }) => row.name_key.toString()) : byKey;
  });
}

function toSql(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [column, typeof value === "bigint" ? String(value) : value]),
  );
}

async function throughDynamo({ client, table }: TestTable, name: TableName, rows: never[]): Promise<unknown[]> {
  const wholes = rows.map((row) => itemsOf(name, row)[0]);
  await client.send(
    new BatchWriteItemCommand({ RequestItems: { [table.name]: wholes.map((Item) => ({ PutRequest: { Item } })) } }),
  );
  const found = await table.getAll(wholes.map(keyOf));
  return wholes.map((whole) => {
    const item = found.at(keyOf(whole)) as Item;
    assert.equal(contentOf(item), contentOf(whole));
    assert.equal(sizeOf(item), sizeOf(whole));
    return rowOf(item)?.row;
  });
}

function sorted(table: TableName, rows: unknown[]): unknown[] {
  return rows
    .map((row) => [rowKey(table, row as never), row] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, row]) => row);
}

function structuredCloneRow(original: TableRow): TableRow {
  return rowOf(items(original)[0] as Item) as TableRow;
}

function isEqual(one: TableRow, other: TableRow): boolean {
  try {
    assert.deepEqual(one.row, other.row);
    return true;
  } catch {
    return false;
  }
}
