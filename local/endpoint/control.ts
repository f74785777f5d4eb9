import { AwsError } from "../aws/errors.ts";
import type { LocalAws } from "../local-aws.ts";
import { tableType } from "../parts/dynamo/tables.ts";
import { stateOf } from "../parts/group/model.ts";
import { describeWorkers } from "../parts/group/workers.ts";

/** What `GET /_chirp/status` tells. */
export type Status = ReturnType<typeof describe>;

function describe(aws: LocalAws) {
  const databases = aws.databases.describe();
  const isOriginal = ({ snapshotIdentifier }: { snapshotIdentifier: string | null }) => snapshotIdentifier === null;
  return {
    entryUrl: aws.entryUrl,
    endpoint: aws.endpoint,
    /** The stack has one that was not restored from a snapshot; `null` while it has none. */
    database: databases.find(isOriginal) ?? null,
    /** Those that were. */
    copies: databases.filter((database) => !isOriginal(database)),
    snapshots: aws.snapshots.list(),
    dynamodb: describeTables(aws),
    mappings: aws.mappings.describe(),
    queues: aws.queues.describe(),
    instances: aws.instances.describe().map((instance) => ({
      ...instance,
      targets: aws.targets
        .groups()
        .flatMap((group) => aws.targets.list(group).filter(({ id }) => id === instance.id))
        .map(({ state, reason }) => ({ state, reason })),
    })),
    groups: aws.registry
      .ofType("aws:autoscaling/group:Group")
      .filter(({ state }) => state.members !== undefined)
      .map((record) => ({ name: record.id, ...stateOf(record) })),
    workers: describeWorkers(aws),
    balancer: aws.balancers.describe(),
    fronts: aws.fronts.describe(),
    addresses: aws.entry.describeAddresses(),
    record: aws.entry.describeRecord() ?? null,
  };
}

/** Null while there is no emulator. */
function describeTables(aws: LocalAws) {
  const running = aws.dynamodb.describe();
  return running && { ...running, tables: aws.registry.ofType(tableType).map(({ id }) => id) };
}

/** Requests to the local AWS itself, for the climb and for tests. */
export async function control(aws: LocalAws, method: string, { pathname }: URL): Promise<object> {
  switch (`${method} ${pathname}`) {
    case "GET /_chirp/status":
      return describe(aws);
    case "POST /_chirp/stop":
      aws.emit("stop");
      return { stopping: true };
    case "POST /_chirp/rotate":
      for (const record of aws.registry.ofType("aws:rds/instance:Instance")) await aws.databases.rotate(record);
      return { rotated: true };
    default:
      throw new AwsError("NotFound", `${method} ${pathname} is neither status (GET), stop nor rotate (POST)`);
  }
}
