import { z } from "zod";
import {
  database,
  databaseAddress,
  process as ofProcess,
  readEnvironment,
  text,
  wholeNumber,
} from "../server/environment.ts";
import type { DatabaseAddress } from "../store/mysql/login.ts";
import type { Strategy } from "./model.ts";

/** Everything the migration's worker is told by its environment. */
export interface WorkerConfig {
  /** Port to listen on where no listening socket is inherited. */
  readonly port: number;
  /** Whether file descriptor 3 is a listening socket to use (`LISTEN_FDS=1`). */
  readonly inheritsSocket: boolean;
  readonly region: string;
  /** The database that people's writes go to. */
  readonly primary: DatabaseAddress;
  /** The database restored from the snapshot; undefined with other strategies. */
  readonly copy: DatabaseAddress | undefined;
  /** Secret of the worker's database user. */
  readonly secret: string;
  /** The service's table. */
  readonly tableName: string;
  readonly journalTable: string;
  readonly strategy: Strategy;
  /** Counts the migrations of this stack, from 1. */
  readonly run: number;
  /** Name of the stack, for its metrics. */
  readonly stack: string;
  readonly logLevel: string;
}

const environment = z
  .object({
    ...ofProcess,
    ...database,
    WORKER_SECRET: text,
    TABLE_NAME: text,
    JOURNAL_TABLE: text,
    STRATEGY: z.enum(["snapshot", "dual-write", "bulk"], { error: "must be snapshot, dual-write or bulk" }),
    RUN: wholeNumber(1, 1_000_000_000),
    COPY_HOST: text.optional(),
    COPY_PORT: wholeNumber(1, 65535).default(3306),
    STACK: text,
  })
  .check(({ value, issues }) => {
    if ((value.STRATEGY === "snapshot") === (value.COPY_HOST !== undefined)) return;
    const message =
      value.STRATEGY === "snapshot"
        ? "is not set; with STRATEGY=snapshot it names the database that was restored from the snapshot"
        : `is for STRATEGY=snapshot only; with ${value.STRATEGY} leave it out`;
    issues.push({ code: "custom", path: ["COPY_HOST"], message, input: value.COPY_HOST });
  });

/**
 * Reads the worker's configuration from environment variables.
 *
 * @throws Error that lists every variable that is missing or wrong
 */
export function readWorkerConfig(variables: NodeJS.ProcessEnv): WorkerConfig {
  const data = readEnvironment(environment, variables, "the migration's worker");
  const primary = databaseAddress(data);
  return {
    port: data.PORT,
    inheritsSocket: data.LISTEN_FDS === "1",
    region: data.AWS_REGION,
    primary,
    copy: data.COPY_HOST === undefined ? undefined : { ...primary, host: data.COPY_HOST, port: data.COPY_PORT },
    secret: data.WORKER_SECRET,
    tableName: data.TABLE_NAME,
    journalTable: data.JOURNAL_TABLE,
    strategy: data.STRATEGY,
    run: data.RUN,
    stack: data.STACK,
    logLevel: data.LOG_LEVEL,
  };
}
