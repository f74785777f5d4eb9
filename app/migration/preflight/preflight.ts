import type { Ask } from "../binlog/server.ts";
import type { Strategy } from "../model.ts";
import { binlogProblems } from "./binlog.ts";
import type { Problem } from "./problem.ts";
import { rightsProblems } from "./rights.ts";
import { schemaProblems } from "./schema.ts";

export interface PreflightOptions {
  /** Name of the service's database, which the connection uses. */
  readonly schema: string;
  /** With dual writing no binlog is read, and none is asked for. */
  readonly strategy: Strategy;
}

/**
 * Everything for which a migration would lose data or stop halfway: all of it at once, each with how to put it right.
 * What whoever asks may not see (triggers, for the worker's user) is not found.
 */
export async function preflight(ask: Ask, { schema, strategy }: PreflightOptions): Promise<Problem[]> {
  const readsBinlog = strategy !== "dual-write";
  const found = await Promise.all([
    readsBinlog ? binlogProblems(ask, schema) : [],
    schemaProblems(ask),
    rightsProblems(ask, schema, strategy),
  ]);
  return found.flat();
}
