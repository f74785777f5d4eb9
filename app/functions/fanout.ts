import { type BatchResponse, inPartitions } from "../events/batch.ts";
import { changeOf, type StreamRecord } from "../events/change.ts";
import { FanOut } from "../events/fan-out.ts";
import { servingClient } from "../store/dynamodb/client.ts";
import { DynamoTable } from "../store/dynamodb/dynamo-table.ts";

/** What a Lambda event source mapping of a DynamoDB stream hands over. */
export interface StreamEvent {
  readonly Records: readonly StreamRecord[];
}

/** Milliseconds during which a request is tried again: nobody waits, and a batch that fails is all done again. */
const patience = 20_000;

let fanOut: FanOut | undefined;

/** Keeps home timelines up to date with the table's stream. Its event source mapping reports batch item failures. */
export async function handler({ Records }: StreamEvent): Promise<BatchResponse> {
  fanOut ??= configured(process.env);
  const timelines = fanOut;
  return inPartitions(
    Records,
    async (record) => {
      const change = changeOf(record);
      if (change) await timelines.apply(change);
    },
    ({ dynamodb }, error) =>
      console.error(JSON.stringify({ msg: "record not applied", keys: dynamodb?.Keys, error: String(error) })),
  );
}

/** @throws Error that names every variable that is missing or wrong */
function configured({ TABLE_NAME: name, FANOUT_THRESHOLD: threshold = "5000" }: NodeJS.ProcessEnv): FanOut {
  const problems = [
    ...(name ? [] : ["TABLE_NAME is not set"]),
    ...(/^\d{1,9}$/.test(threshold) ? [] : [`FANOUT_THRESHOLD=${threshold} must be a whole number`]),
  ];
  if (!name || problems.length > 0)
    throw new Error(`The environment does not configure fan-out: ${problems.join("; ")}`);
  return new FanOut({
    table: new DynamoTable({ client: servingClient(), name, patience }),
    threshold: Number(threshold),
  });
}
