import type { Connection, RowDataPacket } from "mysql2/promise";
import { service } from "./schema/0001-service.ts";
import { workers } from "./schema/0002-workers.ts";
import { pictures } from "./schema/0003-pictures.ts";
import { counterVersions } from "./schema/0004-counter-versions.ts";
import { outbox } from "./schema/0005-outbox.ts";

/**
 * One step of the schema. Steps only add: while servers are being replaced, old ones work on the new schema. DDL
 * commits by itself, so a step may be cut short at any statement; each must do nothing when it has been run before.
 */
export interface Migration {
  /** Consecutive from 1. */
  readonly number: number;
  readonly name: string;
  readonly statements: readonly string[];
}

/** Every step there ever was, in order. Never change one that has been released: append. */
export const migrations: readonly Migration[] = [service, workers, pictures, counterVersions, outbox];

/**
 * Brings the schema up to date; returns the numbers of the steps it ran. The caller holds the lock that keeps other
 * servers from doing the same. A schema newer than this code is left alone: its steps only added.
 */
export async function migrate(admin: Connection, steps: readonly Migration[] = migrations): Promise<number[]> {
  await admin.query(
    `CREATE TABLE IF NOT EXISTS schema_migrations (
      number INT UNSIGNED NOT NULL PRIMARY KEY,
      name VARCHAR(100) NOT NULL,
      applied_at BIGINT UNSIGNED NOT NULL
    ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  );
  const [rows] = await admin.query<RowDataPacket[]>("SELECT number FROM schema_migrations");
  const applied = new Set(rows.map((row) => Number(row.number)));
  const ran: number[] = [];
  for (const { number, name, statements } of steps) {
    if (applied.has(number)) continue;
    for (const statement of statements) await admin.query(statement);
    await admin.query("INSERT INTO schema_migrations (number, name, applied_at) VALUES (?, ?, ?)", [
      number,
      name,
      Date.now() * 1000,
    ]);
    ran.push(number);
  }
  return ran;
}
