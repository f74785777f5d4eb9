import { DescribeTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { z } from "zod";
import { Secrets } from "../aws/secrets.ts";
import { beginMigration, type Begun, endMigration } from "../migration/begin.ts";
import { openJournal } from "../migration/journal.ts";
import { database, databaseAddress, readEnvironment, text } from "../server/environment.ts";
import { connectAsAdmin } from "../store/mysql/login.ts";

const environment = z.object({
  ...database,
  AWS_REGION: text,
  DB_ADMIN_SECRET: text,
  WORKER_SECRET: text,
  JOURNAL_TABLE: text,
  TABLE_NAME: text,
});

/** As an invocation of every part of its life (`CRUD`) asks it: `tf` says which. */
const request = z.object({
  run: z.number().int().positive(),
  strategy: z.enum(["snapshot", "dual-write", "bulk"]),
  tf: z.object({ action: z.enum(["create", "update", "delete"]) }).optional(),
});

/**
 * Begins a run of the migration, or ends the servers' part in it when the invocation is deleted.
 *
 * @throws Error with everything that stands in the way, which fails the update
 */
export async function handler(event: unknown): Promise<Begun | { readonly ended: number }> {
  const { run, strategy, tf } = parse(event);
  const config = readEnvironment(environment, process.env, "the beginning of a migration");
  const secrets = new Secrets(config.AWS_REGION);
  const credentials = await secrets.read(config.DB_ADMIN_SECRET);
  if (!credentials) throw new Error(`The secret ${config.DB_ADMIN_SECRET} has no value`);
  const address = databaseAddress(config);
  const admin = await connectAsAdmin(address, credentials);
  const client = new DynamoDBClient({ region: config.AWS_REGION });
  try {
    if (tf?.action === "delete") {
      await endMigration(admin);
      return { ended: run };
    }
    await checkTable(client, config.TABLE_NAME);
    return await beginMigration({
      admin,
      database: address.database,
      secrets,
      workerSecret: config.WORKER_SECRET,
      journal: openJournal({ client, tableName: config.JOURNAL_TABLE }),
      run,
      strategy,
      log: { info: (fields: object, msg?: string) => console.log(JSON.stringify({ ...fields, msg })) },
    });
  } finally {
    client.destroy();
    await admin.end().catch(() => admin.destroy()); // it may be gone already
  }
}

function parse(event: unknown): z.output<typeof request> {
  const parsed = request.safeParse(event);
  if (parsed.success) return parsed.data;
  throw new Error(
    `The beginning of a migration was asked for ${JSON.stringify(event)}: ${z.prettifyError(parsed.error)}`,
  );
}

/** @throws Error when rows could not be put there */
async function checkTable(client: DynamoDBClient, name: string): Promise<void> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
  const state = Table?.TableStatus;
  if (state !== "ACTIVE" && state !== "UPDATING")
    throw new Error(`The table ${name} is ${state ?? "not there"}; run the update again when it is ACTIVE`);
}
