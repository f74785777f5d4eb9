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
