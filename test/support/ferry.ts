import type { Connection, RowDataPacket } from "mysql2/promise";
import { applyItem } from "../../app/store/dynamodb/apply.ts";
import { inTurns } from "../../app/store/dynamodb/dynamo-table.ts";
import { type TableName, tableNames, tableOf } from "../../app/store/dynamodb/items.ts";
import { itemsOf, readRow, rowKey, rowOf } from "../../app/store/dynamodb/mapping.ts";
import { allItems } from "./both-stores.ts";
import type { TestTable } from "./test-dynamo.ts";

/**
 * Carries rows between the stores in the simplest way there is: looks at all of them and carries what has become newer.
 * Stands in for the migration and the reverse feed where a test is about the switch itself.
 */
export class Ferry {
  readonly #database: Connection;
  readonly #made: Pick<TestTable, "client" | "table">;
  /** Versions that both stores have, by row. */
  readonly #carried = new Map<string, bigint>();

  constructor(database: Connection, made: Pick<TestTable, "client" | "table">) {
    this.#database = database;
    this.#made = made;
  }

  /** Returns how many rows were carried. */
  async toDynamo(): Promise<number> {
    const { client, table } = this.#made;
    let carried = 0;
    for (const name of tableNames) {
      const [rows] = await this.#database.query<RowDataPacket[]>("SELECT * FROM ??", [name]);
      const newer = rows
        .map((raw) => readRow(name, raw))
        .filter((row) => this.#isNewer(rowKey(name, row), row.version));
      await inTurns(newer, 16, async (row) => {
        for (const item of itemsOf(name, row)) {
          const outcome = await applyItem(client, table.name, item, "repair");
          if (outcome === "conflict") throw new Error(`${rowKey(name, row)}: one version, two contents`);
        }
        this.#carried.set(rowKey(name, row), row.version);
      });
      carried += newer.length;
    }
    return carried;
  }

  /** Returns how many rows were carried. */
  async toMysql(): Promise<number> {
    let carried = 0;
    for (const item of (await allItems(this.#made)).values()) {
      const found = rowOf(item);
      if (!found || !this.#isNewer(rowKey(found.table, found.row), found.row.version)) continue;
      await this.#upsert(found.table, found.row as unknown as Record<string, unknown>);
      this.#carried.set(rowKey(found.table, found.row), found.row.version);
      carried++;
    }
    return carried;
  }

  #isNewer(key: string, version: bigint): boolean {
    return version > (this.#carried.get(key) ?? -1n);
  }

  async #upsert(name: TableName, row: Record<string, unknown>): Promise<void> {
    const columns = Object.keys(tableOf(name).columns);
    const values = columns.map((column) => (typeof row[column] === "bigint" ? String(row[column]) : row[column]));
    // The version last: assignments go from left to right, and the others compare with it.
    const ordered = [...columns.filter((column) => column !== "version"), "version"];
    const newer = ordered.map((column) => `${column} = IF(VALUES(version) > version, VALUES(${column}), ${column})`);
    await this.#database.query(
      `INSERT INTO ${name} (${columns.join(", ")}) VALUES (?) ON DUPLICATE KEY UPDATE ${newer.join(", ")}`,
      [values],
    );
  }
}
