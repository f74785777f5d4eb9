import { EventEmitter } from "node:events";
import type { ResourceRecord } from "../../aws/record.ts";
import type { LocalAws } from "../../local-aws.ts";
import { checkHealth } from "./health-check.ts";

export type TargetState = "initial" | "healthy" | "unhealthy" | "draining" | "unused";

/** A server behind a load balancer. */
export interface Target {
  readonly id: string;
  readonly port: number;
  state: TargetState;
  /** AWS's code for why it is not healthy, such as `Target.FailedHealthChecks`. */
  reason: string | undefined;
  /** Requests, or flows, that it is serving. */
  busy: number;
}

interface Registration extends Target {
  /** What the last check found, and how many before it found the same. */
  found?: "healthy" | "unhealthy";
  streak: number;
  timer?: NodeJS.Timeout;
}

const type = "aws:lb/targetGroup:TargetGroup";

/**
 * Target groups: who is in them, and who is healthy.
 *
 * A target is checked while a listener uses its group; at first by every zone's node of the balancer in turn, so that
 * one that comes up is seen sooner than a whole interval later. The first success makes a new target healthy, as on
 * AWS; afterwards the thresholds count.
 */
export class Targets extends EventEmitter<{ change: [targetGroup: string] }> {
  readonly #aws: LocalAws;
  readonly #groups = new Map<string, Registration[]>();
  readonly #turns = new Map<string, number>();

  constructor(aws: LocalAws) {
    super();
    this.setMaxListeners(0);
    this.#aws = aws;
    // A listener that comes or goes decides whether a group is in use, an instance whether a target can be.
    aws.registry.on("change", (record) => {
      if (record.type === "aws:lb/listener:Listener") this.#reviewAll();
      if (record.type === type && !this.#record(record.id)) this.#forget(record.id);
    });
    aws.instances.on("change", (id) => this.#reviewAll((target) => target.id === id));
  }

  register(group: string, id: string, port: number): void {
    const members = this.#groups.get(group) ?? [];
    const existing = members.find((target) => target.id === id && target.port === port && target.state !== "draining");
    if (existing) return;
    const target: Registration = { id, port, state: "unused", reason: "Target.NotInUse", busy: 0, streak: 0 };
    this.#groups.set(group, [...members.filter((other) => other.id !== id || other.port !== port), target]);
    this.#review(group, target);
    this.emit("change", group);
  }

  /** Takes a target out: it gets nothing new, and is gone when it has finished, or when its time is over. */
  deregister(group: string, id: string, port?: number): void {
    for (const target of this.#groups.get(group) ?? []) {
      if (target.id !== id || (port !== undefined && target.port !== port) || target.state === "draining") continue;
      clearTimeout(target.timer);
      Object.assign(target, { state: "draining", reason: "Target.DeregistrationInProgress" });
      this.#aws.log(`target ${id} is draining, with ${target.busy} requests under way`);
      const delay = Number(this.#record(group)?.inputs.deregistrationDelay ?? 300);
      target.timer = setTimeout(() => this.#remove(group, target), delay * 1000).unref();
      if (target.busy === 0) this.#remove(group, target);
    }
    this.emit("change", group);
  }

  #forget(group: string): void {
    for (const target of this.#groups.get(group) ?? []) clearTimeout(target.timer);
    this.#groups.delete(group);
    this.emit("change", group);
  }

  #remove(group: string, target: Registration): void {
    clearTimeout(target.timer);
    const left = (this.#groups.get(group) ?? []).filter((other) => other !== target);
    if (left.length > 0) this.#groups.set(group, left);
    else this.#groups.delete(group);
    this.emit("change", group);
  }

  list(group: string): readonly Target[] {
    return this.#groups.get(group) ?? [];
  }

  groups(): string[] {
    return [...this.#groups.keys()];
  }

  /** Whose turn it is. With nobody healthy everybody is tried, as on AWS; undefined when there is nobody at all. */
  pick(group: string): Target | undefined {
    const targets = this.list(group);
    const healthy = targets.filter(({ state }) => state === "healthy");
    const candidates =
      healthy.length > 0 ? healthy : targets.filter(({ state }) => state === "unhealthy" || state === "initial");
    const turn = this.#turns.get(group) ?? 0;
    this.#turns.set(group, turn + 1);
    return candidates[turn % candidates.length];
  }

  /** Counts a request in; the returned function counts it out. */
  begin(group: string, target: Target): () => void {
    target.busy++;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      target.busy--;
      if (target.state === "draining" && target.busy === 0) this.#remove(group, target as Registration);
    };
  }

  stop(): void {
    for (const target of [...this.#groups.values()].flat()) clearTimeout(target.timer);
    this.#groups.clear();
  }

  #reviewAll(concerns: (target: Target) => boolean = () => true): void {
    for (const [group, targets] of this.#groups) {
      for (const target of targets.filter(concerns)) this.#review(group, target);
    }
  }

  /** Starts or stops to check a target, by whether it is in use and running. */
  #review(group: string, target: Registration): void {
    if (target.state === "draining") return;
    const balancers = this.balancersOf(group);
    if (balancers.length === 0) return this.#rest(group, target, "Target.NotInUse");
    if (this.#aws.instances.state(target.id) !== "running") return this.#rest(group, target, "Target.InvalidState");
    if (target.state !== "unused") return;
    this.#change(group, target, "initial", "Elb.RegistrationInProgress");
    void this.#check(group, target);
  }

  #rest(group: string, target: Registration, reason: string): void {
    clearTimeout(target.timer);
    this.#change(group, target, "unused", reason);
  }

  #change(group: string, target: Registration, state: TargetState, reason?: string): void {
    if (target.state === state && target.reason === reason) return;
    if (target.state !== state) this.#aws.log(`target ${target.id}: ${target.state} → ${state} ${reason ?? ""}`);
    Object.assign(target, { state, reason, streak: 0, found: undefined });
    this.emit("change", group);
  }

  async #check(group: string, target: Registration): Promise<void> {
    const record = this.#record(group);
    if (!record || !this.list(group).includes(target)) return;
    const [balancer] = this.balancersOf(group);
    const failure = await checkHealth(this.#aws, { group: record, target, balancer });
    if (target.state === "draining" || target.state === "unused" || this.#aws.isStopping) return;
    const settings = settingsOf(record);
    const nodes = Math.max(1, ((balancer?.inputs.subnets ?? []) as unknown[]).length);
    this.#judge(group, target, failure, settings, nodes);
    const pause = target.state === "initial" ? settings.interval / nodes : settings.interval;
    clearTimeout(target.timer);
    target.timer = setTimeout(() => void this.#check(group, target), pause * 1000).unref();
  }

  /** Changes the state once enough checks in a row contradict it. */
  #judge(
    group: string,
    target: Registration,
    failure: string | undefined,
    { healthy, unhealthy }: Settings,
    nodes: number,
  ): void {
    const found = failure === undefined ? "healthy" : "unhealthy";
    target.streak = found === target.found ? target.streak + 1 : 1;
    target.found = found;
    const isNew = target.state === "initial";
    // Every node counts for itself; the first one that succeeds is enough for a new target.
    const enough = found === "healthy" ? (isNew ? 1 : healthy) : isNew ? unhealthy * nodes : unhealthy;
    if (found !== target.state && target.streak >= enough) this.#change(group, target, found, failure);
  }

  /** Load balancers that send to the group. */
  balancersOf(group: string): ResourceRecord[] {
    const using = this.#aws.registry
      .ofType("aws:lb/listener:Listener")
      .filter(({ inputs }) => JSON.stringify(inputs.defaultActions).includes(JSON.stringify(group)))
      .map(({ inputs }) => inputs.loadBalancerArn);
    return this.#aws.registry.ofType("aws:lb/loadBalancer:LoadBalancer").filter(({ id }) => using.includes(id));
  }

  #record(group: string): ResourceRecord | undefined {
    return this.#aws.registry.byId(type, group);
  }
}

interface Settings {
  /** Seconds from check to check. */
  readonly interval: number;
  /** Successes in a row that make an unhealthy target healthy. */
  readonly healthy: number;
  /** Failures in a row that make a target unhealthy. */
  readonly unhealthy: number;
}

function settingsOf({ inputs }: ResourceRecord): Settings {
  const {
    interval = 30,
    healthyThreshold = 5,
    unhealthyThreshold = 2,
  } = (inputs.healthCheck ?? {}) as Record<string, number>;
  return { interval, healthy: healthyThreshold, unhealthy: unhealthyThreshold };
}
