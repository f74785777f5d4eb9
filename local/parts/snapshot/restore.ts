import { join } from "node:path";
import type { Database } from "../database.ts";
import type { Manifest } from "./manifest.ts";
import { operate } from "./take.ts";

/**
 * Fills a new, empty server from a snapshot. Keys are not checked row by row: they held when the snapshot was taken,
 * and without the checks InnoDB builds each table at once instead of row after row.
 */
export async function restoreSnapshot(
  database: Database,
  { schemas, tables, accounts }: Required<Manifest>["content"],
  folder: string,
): Promise<void> {
  const connection = await operate(database);
  try {
    await connection.query("SET foreign_key_checks = 0, unique_checks = 0, sql_log_bin = 0");
    for (const statement of schemas) await connection.query(statement);
    for (const { schema, name, create, columns, file } of tables) {
      await connection.query("USE ??", [schema]);
      await connection.query(create);
      const names = columns.map((column) => connection.escapeId(column)).join(", ");
      await connection.query(`LOAD DATA INFILE ? INTO TABLE ?? CHARACTER SET binary (${names})`, [
        join(folder, file),
        name,
      ]);
    }
    for (const statement of accounts) await connection.query(statement);
    await connection.query("FLUSH PRIVILEGES");
  } finally {
    connection.destroy();
  }
}
