/** Where clients enter. `server`: straight at the one server. `balancer`: at the load balancer, the only open door. */
export type Entry = "server" | "balancer";

/** What runs the service. `server`: one instance with a fixed address. `group`: an Auto Scaling group over all zones. */
export type Fleet = "server" | "group";

/** The kind of load balancer, where there is one. */
export type EdgeKind = "alb" | "nlb";

/**
 * Pictures. `none`: there never were any. `kept`: the bucket of an earlier time, unused. `served`: people upload them,
 * and CloudFront serves them, and everything else.
 */
export type Pictures = "none" | "kept" | "served";

/**
 * DynamoDB beside the database. `none`: there never was any. `kept`: the tables of an earlier time, unused. `follows`:
 * the database's rows are moved to it, and every change follows.
 */
export type DynamoDb = "none" | "kept" | "follows";

/**
 * How rows are moved. `snapshot`: old rows from a copy restored from a snapshot, changes from the binlog. `dual-write`:
 * old rows from the database itself, changes written to both by the servers. `bulk`: old rows from the database itself
 * into a table that is warmed for it, changes from the binlog.
 */
export type Strategy = "snapshot" | "dual-write" | "bulk";

/**
 * What a stack has, said without phases: components take these and never see a phase number.
 * A later phase that brings something new adds a member here and its "not yet" value to phase one.
 */
export interface Features {
  readonly entry: Entry;
  readonly fleet: Fleet;
  /** Whether the private application subnets reach the internet through one NAT gateway per zone. */
  readonly nat: boolean;
  readonly database: {
    /** Whether the database keeps a synchronous standby in a second zone. */
    readonly standby: boolean;
  };
  readonly pictures: Pictures;
  readonly dynamodb: DynamoDb;
}

/** One step of the climb. Everything but `features` is for people: docs, the README's table and the outputs print it. */
export interface Phase {
  readonly number: number;
  /** Short name, lower case. */
  readonly title: string;
  /** What a user of the stack gets, as one sentence without a full stop. */
  readonly gives: string;
  /** What this phase adds to the one before. */
  readonly adds: readonly string[];
  /** What of the phase before goes, and after what. */
  readonly retires: readonly string[];
  readonly features: Features;
}
