import { parseArgs } from "node:util";
import { type Command, commands } from "../../app/migration/model.ts";

/** What is asked on the command line. */
export interface Flags {
  readonly command: Command | "status";
  readonly json: boolean;
  readonly watch: boolean;
  /** Folder of the local stack; undefined where a table on AWS is named. */
  readonly dir: string | undefined;
  /** The journal's table on AWS. */
  readonly table: string | undefined;
  readonly region: string | undefined;
  readonly help: boolean;
}

/** The command line is wrong; the message says how. */
export class UsageError extends Error {}

const known = ["status", ...commands] as const;

/** @throws UsageError with everything that is wrong */
export function parseFlags(args: readonly string[], environment: NodeJS.ProcessEnv): Flags {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        watch: { type: "boolean", default: false },
        dir: { type: "string" },
        table: { type: "string" },
        region: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const { values, positionals } = parsed;
  const problems: string[] = [];
  const command = known.find((name) => name === (positionals[0] ?? "status"));
  if (!command) problems.push(`${JSON.stringify(positionals[0])} is no command; there are ${known.join(", ")}`);
  if (positionals.length > 1)
    problems.push(`one command at a time: ${positionals.join(", ")} are ${positionals.length}`);
  if (values.watch && command && command !== "status") problems.push("--watch goes with status");
  if (values.table !== undefined && values.dir !== undefined)
    problems.push("--dir is for a stack on this machine, --table for one on AWS: give one of them");
  if (values.region !== undefined && values.table === undefined) problems.push("--region goes with --table");
  const region = values.region ?? environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION;
  if (values.table !== undefined && !region) problems.push("--table needs --region, or AWS_REGION in the environment");
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return {
    command: command ?? "status",
    json: values.json,
    watch: values.watch,
    dir: values.table === undefined ? (values.dir ?? ".chirp") : undefined,
    table: values.table,
    region: values.table === undefined ? undefined : region,
    help: values.help,
  };
}

export const helpText = `npm run migration -- [command] [flags]

Watches and steers the worker that brings MySQL's rows to DynamoDB.

  status          where it is (the default)
  verify          compare all rows with all items again, and wait for the result
  repair          write again what differs and what was refused, verify, and wait for the result
  pause, resume   stop for a while; go on. While it pauses, the binlog or the outbox keeps what this worker would write

  --watch         with status: go on showing it until Ctrl-C
  --json          print JSON: one document, or with --watch one line each second
  --dir FOLDER    folder of the stack on this machine, as npm start has it (.chirp)
  --table NAME    the journal's table of a stack on AWS: pulumi stack output journalTable
  --region NAME   its region (AWS_REGION)
  --help          print this

Exit code: verify and repair 0 only when every row is equal and none was refused; status 0 unless the worker has failed
or is silent; 1 otherwise; 2 when the command line is wrong.
`;
