/** The parts of Pulumi's engine events (one JSON object per line of `pulumi up --json`) that are used here. */
export interface EngineEvent {
  readonly resourcePreEvent?: { readonly metadata: StepMetadata };
  readonly resOutputsEvent?: { readonly metadata: StepMetadata };
  readonly resOpFailedEvent?: { readonly metadata: StepMetadata };
  readonly diagnosticEvent?: {
    readonly urn?: string;
    readonly message: string;
    readonly severity: string;
    /** A message that a later one of the same stream replaces: progress, not a finding. */
    readonly ephemeral?: boolean;
  };
  readonly summaryEvent?: {
    readonly durationSeconds: number;
    readonly resourceChanges: Readonly<Record<string, number>>;
    readonly result?: string;
  };
}

interface StepMetadata {
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly old: ResourceState | null;
  readonly new: ResourceState | null;
  /** Input properties that differ. */
  readonly diffs?: readonly string[] | null;
}

interface ResourceState {
  readonly id?: string;
  readonly protect?: boolean;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/** What an update does to one resource. */
export interface Change {
  readonly op: "create" | "update" | "delete" | "replace";
  readonly urn: string;
  readonly type: string;
  /** Input properties that differ, sorted; empty unless it is an update or a replacement. */
  readonly properties: readonly string[];
  /** Whether people's data goes with the resource, should it go. */
  readonly stateful: boolean;
}

/** Created, updated, deleted and replaced resources, and how many of the last two hold people's data. */
export interface Counts {
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  readonly replaced: number;
  readonly statefulDeleted: number;
  readonly statefulReplaced: number;
}

/** Resources that hold people's data or the keys to it. Whatever is protected counts as well. */
const statefulTypes: ReadonlySet<string> = new Set([
  "aws:rds/instance:Instance",
  "aws:rds/snapshot:Snapshot",
  "aws:s3/bucket:Bucket",
  "aws:dynamodb/table:Table",
  "aws:kms/key:Key",
  "aws:secretsmanager/secret:Secret",
]);

/** A migration's own database and its snapshot are copies, and its user is of no use without it: they go with it. */
const isOfMigration = (urn: string) => urn.includes("chirp:migration:Migration$");

const changeOps: Readonly<Record<string, Change["op"]>> = {
  create: "create",
  update: "update",
  delete: "delete",
  // The engine announces a replacement as a whole, and its two halves apart; the whole is what people count.
  replace: "replace",
};

/** Collects what the engine says while it works. */
export class Progress {
  /** Steps begun, in order; in an update also those that failed later. */
  readonly changes: Change[] = [];
  /** URNs of the steps under way. */
  readonly running = new Set<string>();
  /** Steps that have ended well. */
  done = 0;
  readonly errors: string[] = [];
  readonly warnings: string[] = [];
  outputs: Readonly<Record<string, unknown>> = {};
  /** Whether the engine says that it has done everything. */
  succeeded = false;

  add(event: EngineEvent): void {
    if (event.resourcePreEvent) this.#began(event.resourcePreEvent.metadata);
    if (event.resOutputsEvent) this.#ended(event.resOutputsEvent.metadata);
    if (event.resOpFailedEvent) this.running.delete(event.resOpFailedEvent.metadata.urn);
    if (event.summaryEvent) this.succeeded = event.summaryEvent.result === "succeeded";
    const said = event.diagnosticEvent;
    if (said && !said.ephemeral && said.severity === "error") this.errors.push(said.message.trim());
    if (said && !said.ephemeral && said.severity === "warning") this.warnings.push(said.message.trim());
  }

  #began({ op, urn, type, old, new: wanted, diffs }: StepMetadata): void {
    if (op !== "same") this.running.add(urn);
    const change = changeOps[op];
    // Providers are the engine's own; it does not count them either.
    if (!change || type.startsWith("pulumi:providers:")) return;
    this.changes.push({
      op: change,
      urn,
      type,
      properties: change === "update" || change === "replace" ? [...(diffs ?? [])].sort() : [],
      stateful: (statefulTypes.has(type) && !isOfMigration(urn)) || old?.protect === true || wanted?.protect === true,
    });
  }

  #ended({ op, urn, type, new: state }: StepMetadata): void {
    if (this.running.delete(urn) && op in changeOps && !type.startsWith("pulumi:providers:")) this.done++;
    if (type === "pulumi:pulumi:Stack" && state?.outputs) this.outputs = state.outputs;
  }
}

export function count(changes: readonly Change[]): Counts {
  const of = (op: Change["op"], stateful?: true) =>
    changes.filter((change) => change.op === op && (!stateful || change.stateful)).length;
  return {
    created: of("create"),
    updated: of("update"),
    deleted: of("delete"),
    replaced: of("replace"),
    statefulDeleted: of("delete", true),
    statefulReplaced: of("replace", true),
  };
}

/** The last part of a URN, which is what the program calls the resource, after its type's own name. */
export function label(urn: string): string {
  const [type = "", name = ""] = urn.split("::").slice(2);
  return `${type.split("$").at(-1)?.split(":").at(-1)} ${name}`;
}
