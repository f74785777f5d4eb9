import { z } from "zod";
import type { DatabaseAddress } from "../store/mysql/login.ts";

export const text = z.string({ error: "is not set" }).min(1, "is empty");

export const wholeNumber = (least: number, most: number) => {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.coerce.number({ error }).int({ error }).min(least, { error }).max(most, { error });
};

/** What every process on a machine is told. */
export const process = {
  PORT: wholeNumber(0, 65535).default(80),
  LISTEN_FDS: z.enum(["", "0", "1"], { error: "must be 1, or not set" }).default(""),
  AWS_REGION: text,
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
};

/** Where the database is. */
export const database = {
  DB_HOST: text,
  DB_PORT: wholeNumber(1, 65535).default(3306),
  DB_NAME: text.max(64),
  DB_CA: z.string().default(""),
};

/** The database's address, from the variables that say where it is. */
export function databaseAddress(data: {
  readonly DB_HOST: string;
  readonly DB_PORT: number;
  readonly DB_NAME: string;
  readonly DB_CA: string;
}): DatabaseAddress {
  return { host: data.DB_HOST, port: data.DB_PORT, database: data.DB_NAME, tls: data.DB_CA !== "" };
}

/**
 * Environment variables as a schema has them.
 *
 * @param whom what they configure, in the words of the error
 * @throws Error that lists every variable that is missing or wrong
 */
export function readEnvironment<S extends z.ZodType>(
  schema: S,
  variables: Readonly<Record<string, string | undefined>>,
  whom: string,
): z.output<S> {
  const { success, data, error } = schema.safeParse(variables);
  if (success) return data;
  const problems = error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    const value = variables[name];
    return `  ${name}${value === undefined ? "" : `=${value}`}: ${message}`;
  });
  throw new Error(`The environment does not configure ${whom}:\n${problems.join("\n")}`);
}
