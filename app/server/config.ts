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
  readonly database: DatabaseAddress;
  readonly adminSecret: string;
  readonly appSecret: string;
  /** Proxies in front whose X-Forwarded-* headers are believed. */
  readonly trustedProxies: number;
  /** Secret that CloudFront proves itself with; undefined where there is none in front. */
  readonly frontSecret: string | undefined;
  /** DynamoDB table that writes go to as well, while the database says so; undefined where there is none. */
  readonly tableName: string | undefined;
  /** Undefined where there are no pictures. */
  readonly media: MediaConfig | undefined;
  /** Seconds after which a kept-alive connection is asked to close, so that its client looks the address up again. */
  readonly maxConnectionAge: number;
  readonly logLevel: string;
}

const environment = z
  .object({
    ...process,
    ...database,
    DB_ADMIN_SECRET: text,
    DB_APP_SECRET: text,
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

/**
 * Reads the configuration from environment variables.
 *
 * @throws Error that lists every variable that is missing or wrong
 */
export function readConfig(variables: NodeJS.ProcessEnv): Config {
  const data = readEnvironment(environment, variables, "the service");
  return {
    port: data.PORT,
    inheritsSocket: data.LISTEN_FDS === "1",
    region: data.AWS_REGION,
    database: databaseAddress(data),
    adminSecret: data.DB_ADMIN_SECRET,
    appSecret: data.DB_APP_SECRET,
    trustedProxies: data.TRUSTED_PROXIES,
    frontSecret: data.FRONT_SECRET,
    tableName: data.TABLE_NAME,
    media: mediaConfig(data),
    maxConnectionAge: data.MAX_CONNECTION_AGE_SECONDS,
    logLevel: data.LOG_LEVEL,
  };
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
