import assert from "node:assert/strict";
import { eventTypes as t } from "../../../app/migration/binlog/events.ts";
import { Position } from "../../../app/migration/binlog/position.ts";
import { Reader, type RowsChanged } from "../../../app/migration/binlog/reader.ts";
import { StreamRefused } from "../../../app/migration/binlog/refused.ts";

/** Events as a MySQL server sends them; the suites on a real server see MariaDB's. */
class Events {
  at: number;
  readonly reader: Reader;
  readonly rows: RowsChanged[] = [];
  readonly boundaries: Position[] = [];

  constructor(from: Partial<Position> = {}) {
    this.at = Number(from.offset ?? 4n);
    const position = new Position({ server: "mysql/1", file: "bin.000001", offset: 4n, ...from });
    this.reader = new Reader(
      position,
      { schema: "chirp", tables: new Map([["post_counters", new Set(["post_id", "likes"])]]) },
      { rows: (changed) => this.rows.push(changed), boundary: (after) => this.boundaries.push(after) },
    );
  }

  send(type: number, body: Buffer = Buffer.alloc(0), { flags = 0, size = body.length + 19 } = {}): void {
    this.at += size;
    const header = Buffer.alloc(19);
    header.writeUInt32LE(1_700_000_000, 0);
    header.writeUInt8(type, 4);
    header.writeUInt32LE(body.length + 19, 9);
    header.writeUInt32LE(this.at % 2 ** 32, 13);
    header.writeUInt16LE(flags, 17);
    this.reader.take(Buffer.concat([header, body]));
  }

  query(sql: string): void {
    const head = Buffer.alloc(13);
    head.writeUInt8(5, 8);
    this.send(t.query, Buffer.concat([head, Buffer.from(`chirp\0${sql}`)]));
  }

  map(table = "post_counters", { type = 8, unsigned = 0xc0 } = {}): void {
    const names = Buffer.from([4, 14, 7, ...Buffer.from("post_id"), 5, ...Buffer.from("likes")]);
    const described = [
      ...[7, 0, 0, 0, 0, 0, 1, 0, 5, ...Buffer.from("chirp\0"), table.length, ...Buffer.from(`${table}\0`)],
      ...[2, type, 3, 0, 0, 1, 1, unsigned],
    ];
    this.send(t.tableMap, Buffer.concat([Buffer.from(described), names]));
  }

  /** Rows of the second version, which MySQL has. */
  insert(...posts: number[]): void {
    const head = [7, 0, 0, 0, 0, 0, 1, 0, 2, 0, 2, 0xff];
    const rows = posts.map((post) => {
      const row = Buffer.alloc(13);
      row.writeBigUInt64LE(BigInt(post), 1);
      row.writeUInt32LE(9, 9);
      return row;
    });
    this.send(t.writeRows, Buffer.concat([Buffer.from(head), ...rows]));
  }

  transaction(...posts: number[]): void {
    this.send(t.gtid, Buffer.alloc(25));
    this.query("BEGIN");
    this.map();
    this.insert(...posts);
    this.send(t.xid, Buffer.alloc(8));
  }
}

const refusedAs = (refusal: string) => (error: unknown) => error instanceof StreamRefused && error.refusal === refusal;

describe("Events of a binlog", () => {
  it("are rows, with where to go on when they are done with", () => {
    const events = new Events();
    events.transaction(1, 2);
    const [changed] = events.rows;
    assert.deepEqual(
      changed?.rows.map(({ after }) => after),
      [
        { post_id: 1, likes: 9 },
        { post_id: 2, likes: 9 },
      ],
    );
    assert.equal(String(changed?.after), "bin.000001:4+2");
    assert.deepEqual(events.boundaries.map(String), [`bin.000001:${events.at}`]);
  });

  it("are not given twice when reading goes on within a transaction", () => {
    const events = new Events({ offset: 4n, row: 3 });
    assert.equal(String(events.reader.position), "bin.000001:4+3");
    events.query("BEGIN");
    events.map();
    events.insert(1, 2);
    events.insert(3, 4);
    assert.equal(String(events.reader.position), "bin.000001:4+4");
    events.insert(5);
    events.send(t.xid, Buffer.alloc(8));
    events.transaction(6);
    assert.deepEqual(
      events.rows.flatMap(({ rows }) => rows.map(({ after }) => after?.post_id)),
      [4, 5, 6],
    );
  });

  it("past 4 GB of a file are counted from the last place that a server can be asked for", () => {
    const events = new Events();
    events.transaction(1);
    const base = events.at;
    events.query("BEGIN");
    events.map();
    for (let gigabyte = 0; gigabyte < 9; gigabyte++) {
      events.insert(gigabyte);
      events.send(t.rowsQuery, Buffer.alloc(0), { size: 2 ** 30 });
    }
    events.send(t.xid, Buffer.alloc(8));
    assert.ok(events.at > 2 ** 33);
    assert.equal(String(events.boundaries.at(-1)), `bin.000001:${base}+9`);
    events.transaction(10, 11);
    assert.equal(String(events.boundaries.at(-1)), `bin.000001:${base}+11`);
    const next = Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]), Buffer.from("bin.000002")]);
    events.send(t.rotate, next);
    events.at = 4;
    events.transaction(12);
    assert.equal(String(events.boundaries.at(-1)), `bin.000002:${events.at}`);
  });

  it("that are compressed are refused, whatever they hold", () => {
    const events = new Events();
    assert.throws(() => events.send(t.transactionPayload, Buffer.alloc(40)), refusedAs("compressed"));
  });

  it("of parts of rows are refused, unless they are of other tables", () => {
    const events = new Events();
    events.map("something");
    const partial = Buffer.from([7, 0, 0, 0, 0, 0, 1, 0]);
    events.send(t.partialUpdateRows, partial);
    events.map();
    assert.throws(() => events.send(t.partialUpdateRows, partial), refusedAs("partial-rows"));
  });

  it("that are not known are refused, unless the server says that they may be ignored", () => {
    const events = new Events();
    events.send(99, Buffer.alloc(8), { flags: 0x80 });
    assert.throws(() => events.send(99, Buffer.alloc(8)), refusedAs("not-understood"));
  });

  it("that say that others are missing are refused", () => {
    assert.throws(() => new Events().send(t.incident, Buffer.alloc(8)), refusedAs("incident"));
  });

  it("of rows that are undone later are refused", () => {
    const events = new Events();
    events.query("BEGIN");
    events.query("SAVEPOINT a");
    events.map();
    events.query("ROLLBACK TO a");
    events.insert(1);
    assert.throws(() => events.query("ROLLBACK"), refusedAs("undone"));
  });

  it("that end too early are refused", () => {
    const events = new Events();
    events.map();
    const cut = Buffer.from([7, 0, 0, 0, 0, 0, 1, 0, 2, 0, 2, 0xff, 0, 1, 2]);
    assert.throws(() => events.send(t.writeRows, cut), refusedAs("not-understood"));
  });

  it("of rows without a table are refused", () => {
    assert.throws(() => new Events().insert(1), refusedAs("not-understood"));
  });

  it("give signed numbers as they are", () => {
    const events = new Events();
    events.map("post_counters", { unsigned: 0 });
    events.send(
      t.writeRows,
      Buffer.from([7, 0, 0, 0, 0, 0, 1, 0, 2, 0, 2, 0xff, 0, ...Array<number>(8).fill(0xff), 0xfe, 0xff, 0xff, 0xff]),
    );
    assert.deepEqual(events.rows[0]?.rows[0]?.after, { post_id: "-1", likes: -2 });
  });
});

describe("A binlog position", () => {
  const at = (file: string, offset: bigint, row = 0) => new Position({ server: "mysql/1", file, offset, row });

  it("is the same after it was written down", () => {
    const position = at("bin.000042", 2n ** 40n, 7);
    assert.deepEqual(Position.parse(JSON.parse(JSON.stringify(position))), position);
    assert.equal(String(position), "bin.000042:1099511627776+7");
  });

  it("comes after those before it, by number of the file", () => {
    const order = [at("bin.999999", 9n), at("bin.1000000", 4n), at("bin.1000000", 4n, 1), at("bin.1000000", 5n)];
    assert.deepEqual(
      order.toReversed().toSorted((one, other) => one.compare(other)),
      order,
    );
  });

  it("is not compared with another server's", () => {
    const other = new Position({ server: "mysql/2", file: "bin.000001", offset: 4n });
    assert.throws(() => at("bin.000001", 4n).compare(other), /mysql\/2/);
  });

  for (const wrong of [
    null,
    {},
    { server: "a", file: "bin.1", offset: 4, row: 0 },
    { server: "", file: "bin.1", offset: "4", row: 0 },
    { server: "a", file: "bin", offset: "4", row: 0 },
    { server: "a", file: "bin.1", offset: "3", row: 0 },
    { server: "a", file: "bin.1", offset: "4", row: -1 },
  ])
    it(`is not ${JSON.stringify(wrong)}`, () => {
      assert.throws(() => Position.parse(wrong), /binlog/);
    });
});
