import { z } from "zod";
import type { DatabaseAddress } from "../store/mysql/login.ts";
import { database, databaseAddress, process, readEnvironment, text, wholeNumber } from "./environment.ts";
import type { MediaConfig } from "./media.ts";

/** Everything the service is told by its environment. */
export interface Config {
  /** Port to listen on where no listening socket is inherited. */
  readonly port: number;
  /** Whether file descriptor 3 is a listening socket to use (`LISTEN_FDS=1`). */
  readonly inheritsSocket: boolean;
  readonly region: string;
  /** The MySQL database; undefined where there is only a DynamoDB table. */
  readonly database: DatabaseConfig | undefined;
  /** Proxies in front whose X-Forwarded-* headers are believed. */
  readonly trustedProxies: number;
  /** Secret that CloudFront proves itself with; undefined where there is none in front. */
  readonly frontSecret: string | undefined;
  /** DynamoDB table that is the record, or may become it; undefined where there is only a MySQL database. */
  readonly tableName: string | undefined;
  /** Undefined where there are no pictures. */
  readonly media: MediaConfig | undefined;
  /** Seconds after which a kept-alive connection is asked to close, so that its client looks the address up again. */
  readonly maxConnectionAge: number;
  readonly logLevel: string;
}

export interface DatabaseConfig {
  readonly address: DatabaseAddress;
  /** Secret of the administrator, used at the start only. */
  readonly adminSecret: string;
  /** Secret of the user that servers work as. */
  readonly appSecret: string;
}

const databaseVariables = { ...database, DB_ADMIN_SECRET: text, DB_APP_SECRET: text };

const environment = z
  .object({
    ...process,
    TRUSTED_PROXIES: wholeNumber(0, 10).default(0),
    FRONT_SECRET: text.optional(),
    TABLE_NAME: text.optional(),
    MEDIA_BUCKET: text.optional(),
    MEDIA_HOST: text.optional(),
    MEDIA_MAX_BYTES: wholeNumber(1, 100 * 2 ** 20).default(5 * 2 ** 20),
    MEDIA_PER_MINUTE: wholeNumber(1, 10_000).default(30),
    MEDIA_PER_DAY: wholeNumber(1, 1_000_000).default(500),
    MAX_CONNECTION_AGE_SECONDS: wholeNumber(1, 86400).default(60),
  })
  .refine(({ MEDIA_BUCKET, MEDIA_HOST }) => (MEDIA_BUCKET === undefined) === (MEDIA_HOST === undefined), {
    path: ["MEDIA_HOST"],
    error: "goes with MEDIA_BUCKET: set both, or neither for a service without pictures",
  });

/** Of a service with a database, and of one without. */
const withDatabase = environment.safeExtend(databaseVariables);
const withTable = environment.safeExtend({ TABLE_NAME: text });
const withEither = environment.safeExtend({
  ...databaseVariables,
  TABLE_NAME: z.string({ error: "is not set; set it, or the variables DB_…, or both" }),
});

/**
 * Reads the configuration from environment variables.
 *
 * @throws Error that lists every variable that is missing or wrong
 */
export function readConfig(variables: NodeJS.ProcessEnv): Config {
  const isSet = (name: string) => variables[name] !== undefined;
  // Those that have no default: where none of them is set, no database is meant.
  const meansDatabase = ["DB_HOST", "DB_NAME", "DB_ADMIN_SECRET", "DB_APP_SECRET"].some(isSet);
  if (!meansDatabase && !isSet("TABLE_NAME")) readEnvironment(withEither, variables, "the service");
  const data = readEnvironment(meansDatabase ? withDatabase : withTable, variables, "the service");
  return {
    port: data.PORT,
    inheritsSocket: data.LISTEN_FDS === "1",
    region: data.AWS_REGION,
    database: databaseConfig(data),
    trustedProxies: data.TRUSTED_PROXIES,
    frontSecret: data.FRONT_SECRET,
    tableName: data.TABLE_NAME,
    media: mediaConfig(data),
    maxConnectionAge: data.MAX_CONNECTION_AGE_SECONDS,
    logLevel: data.LOG_LEVEL,
  };
}

function databaseConfig(data: object | z.output<typeof withDatabase>): DatabaseConfig | undefined {
  if (!("DB_HOST" in data)) return undefined;
  return { address: databaseAddress(data), adminSecret: data.DB_ADMIN_SECRET, appSecret: data.DB_APP_SECRET };
}

function mediaConfig(data: z.output<typeof environment>): MediaConfig | undefined {
  if (data.MEDIA_BUCKET === undefined || data.MEDIA_HOST === undefined) return undefined;
  return {
    bucket: data.MEDIA_BUCKET,
    host: data.MEDIA_HOST,
    maxBytes: data.MEDIA_MAX_BYTES,
    limits: { perMinute: data.MEDIA_PER_MINUTE, perDay: data.MEDIA_PER_DAY },
  };
}
