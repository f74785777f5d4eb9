import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { openJournal, type OpenJournal } from "../../app/migration/journal.ts";
import { servingClient } from "../../app/store/dynamodb/client.ts";
import type { Flags } from "./flags.ts";

/** What the local AWS tells of itself, as far as it is needed here. */
interface LocalStatus {
  readonly dynamodb: { readonly endpoint: string; readonly tables: readonly string[] } | null;
}

/** The emulator takes any. */
const localCredentials = { accessKeyId: "local", secretAccessKey: "local" };

/**
 * Finds the journal that the flags mean.
 *
 * @throws Error that says what is not there, and what to do
 */
export async function findJournal({ dir, table, region }: Flags): Promise<OpenJournal> {
  if (table !== undefined) return onAws(table, region);
  return onThisMachine(resolve(dir ?? ""));
}

async function onAws(tableName: string, region: string | undefined): Promise<OpenJournal> {
  const journal = open(tableName, region === undefined ? {} : { region });
  if ((await journal.run()) === undefined)
    throw new Error(
      `No worker has begun yet by the journal ${tableName} in ${region}. Is it the journal's table ` +
        "(pulumi stack output journalTable), and is the worker's machine up?",
    );
  return journal;
}

async function onThisMachine(dir: string): Promise<OpenJournal> {
  const { dynamodb } = await askLocalAws(dir);
  if (!dynamodb || dynamodb.tables.length === 0)
    throw new Error(`The stack in ${dir} has no DynamoDB table: it is not in a phase with a migration.`);
  const config = { endpoint: dynamodb.endpoint, region: "us-east-1", credentials: localCredentials };
  const journals = await Promise.all(
    dynamodb.tables.map(async (name) => {
      const journal = open(name, config);
      return (await journal.run()) === undefined ? [] : [journal];
    }),
  );
  const [found] = journals.flat();
  if (!found) throw new Error(`No worker has begun yet in ${dir}: look again when the update has started one.`);
  return found;
}

async function askLocalAws(dir: string): Promise<LocalStatus> {
  const endpoint = await endpointIn(dir);
  try {
    const response = await fetch(`${endpoint}/_chirp/status`, { signal: AbortSignal.timeout(10_000) });
    return (await response.json()) as LocalStatus;
  } catch {
    throw new Error(`The stack in ${dir} is not running: npm start brings it back.`);
  }
}

/** The local AWS says on its first line where it is; the climb keeps what it says. */
async function endpointIn(dir: string): Promise<string> {
  const log = await readFile(join(dir, "logs", "aws.log"), "utf8").catch(() => "");
  for (const line of log.split("\n")) {
    const endpoint = /"endpoint":"(http[^"]+)"/.exec(line)?.[1];
    if (line.startsWith('{"type":"ready"') && endpoint) return endpoint;
  }
  throw new Error(
    `There is no running stack in ${dir}: start one with npm start, name another folder with --dir, or a journal on AWS ` +
      "with --table NAME --region REGION.",
  );
}

function open(tableName: string, config: DynamoDBClientConfig): OpenJournal {
  return openJournal({ client: servingClient(config), tableName, patience: 5000 });
}
