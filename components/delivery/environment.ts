import type * as pulumi from "@pulumi/pulumi";
import type { Database } from "../data/database.ts";
import type { ServedMedia } from "../media/media.ts";

/** What the environment of a server is made from. */
export interface EnvironmentArgs {
  readonly region: string;
  readonly database: Database;
  /** Kind of load balancer in front of the servers, `null` for none. */
  readonly edge: "alb" | "nlb" | null;
  /** Undefined in a stack without pictures. */
  readonly media: ServedMedia | undefined;
  /** Largest picture in megabytes of 1,048,576 bytes. */
  readonly pictureMegabytes: number;
  /** Secret by which CloudFront proves itself; undefined in a stack that never had one. */
  readonly frontSecretArn: pulumi.Output<string> | undefined;
  /** The DynamoDB table; undefined in a stack whose servers don't know it. */
  readonly tableName: pulumi.Output<string> | undefined;
  /** Seconds after which a server closes a kept-alive connection, so that clients notice a moved record. */
  readonly connectionAge: number;
}

/** The environment of a server: everything that it knows of the stack around it. */
export function serverEnvironment(args: EnvironmentArgs): Record<string, pulumi.Input<string>> {
  const { region, database, edge, media, pictureMegabytes, frontSecretArn, tableName, connectionAge } = args;
  return {
    AWS_REGION: region,
    ...databaseEnvironment(database),
    DB_ADMIN_SECRET: database.adminSecretArn,
    DB_APP_SECRET: database.appSecretArn,
    // Only an alb speaks HTTP itself and adds X-Forwarded-*; through an nlb the client's own address arrives.
    TRUSTED_PROXIES: edge === "alb" ? "1" : "0",
    MAX_CONNECTION_AGE_SECONDS: String(connectionAge),
    LOG_LEVEL: "info",
    ...(media && {
      MEDIA_BUCKET: media.bucketName,
      MEDIA_HOST: media.host,
      MEDIA_MAX_BYTES: String(pictureMegabytes * 2 ** 20),
    }),
    ...(frontSecretArn && { FRONT_SECRET: frontSecretArn }),
    ...(tableName && { TABLE_NAME: tableName }),
  };
}

/** Where the database is, for whoever logs in to it. */
export function databaseEnvironment(database: Database): Record<string, pulumi.Input<string>> {
  return {
    DB_HOST: database.host,
    DB_PORT: database.port.apply(String),
    DB_NAME: database.schema,
    DB_CA: database.certificateAuthority,
  };
}
