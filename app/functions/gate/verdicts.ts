import type { FleetRequest, MovedRequest } from "./request.ts";

/** What a look at the world says about a condition. */
export type Verdict =
  | { readonly state: "met"; readonly saw: string }
  | { readonly state: "waiting"; readonly saw: string }
  /** Waiting longer cannot help. */
  | { readonly state: "hopeless"; readonly saw: string };

/** A target of a target group as the load balancer sees it. */
export interface Target {
  readonly id: string;
  /** initial, healthy, unhealthy, unused, draining, unavailable */
  readonly state: string;
  readonly reason?: string | undefined;
}

/** What came back from asking an address for /health. */
export interface Answer {
  /** HTTP status; undefined when there was no answer. */
  readonly status?: number | undefined;
  /** Why there was none. */
  readonly error?: string | undefined;
}

/** A server of an Auto Scaling group. */
export interface Member {
  readonly id: string;
  readonly lifecycle: string;
  readonly templateVersion: string | undefined;
}

/** A run that replaces a group's servers. */
export interface Refresh {
  readonly status: string;
  readonly reason?: string | undefined;
  readonly percent?: number | undefined;
}

const met = (saw: string): Verdict => ({ state: "met", saw });
const waiting = (saw: string): Verdict => ({ state: "waiting", saw });
const hopeless = (saw: string): Verdict => ({ state: "hopeless", saw });

const runningRefresh = new Set(["Pending", "InProgress", "Cancelling", "RollbackInProgress", "Baking"]);

/** Whether a server that clients reach directly answers. */
export function judgeAddress(address: string, answer: Answer): Verdict {
  return answer.status === 200 ? met(`${address} answers`) : waiting(`${address}: ${describeAnswer(answer)}`);
}

/** Whether the load balancer itself answers: a redirect or a refusal is its answer too, a 5xx means nobody behind it. */
export function judgeBalancer(address: string, answer: Answer): Verdict {
  const { status } = answer;
  const text = `${address}: ${describeAnswer(answer)}`;
  return status !== undefined && status < 500 ? met(text) : waiting(text);
}

/** Whether a server gets no requests from the load balancer, and never will by itself. */
export function isOut(instanceId: string, targets: readonly Target[]): boolean {
  return targets.every(({ id, state }) => id !== instanceId || state === "draining");
}

/** Whether one server is healthy behind the load balancer. */
export function judgeServer(instanceId: string, targets: readonly Target[]): Verdict {
  const target = targets.find(({ id }) => id === instanceId);
  if (target?.state === "healthy") return met(`${instanceId} is healthy`);
  return waiting(target === undefined ? `${instanceId} is not registered` : describeTarget(target));
}

/** Whether a group has rolled over to the wanted template version and enough of its servers are healthy. */
export function judgeGroup(
  wanted: Extract<FleetRequest, { kind: "group" }>,
  members: readonly Member[] | undefined,
  newest: Refresh | undefined,
  targets: readonly Target[],
): Verdict {
  if (members === undefined) return waiting(`there is no group ${wanted.name}`);
  const serving = members.filter(({ lifecycle }) => lifecycle === "InService");
  const outdated = serving.filter(({ templateVersion }) => templateVersion !== wanted.templateVersion);
  if (newest !== undefined && runningRefresh.has(newest.status)) return waiting(describeRefresh(newest));
  if (outdated.length > 0) {
    const old = `${outdated.length} of ${serving.length} servers are not at template version ${wanted.templateVersion}`;
    if (newest === undefined || newest.status === "Successful") return waiting(old);
    return hopeless(`${old}: ${describeRefresh(newest)}`);
  }
  const healthy = new Set(targets.filter(({ state }) => state === "healthy").map(({ id }) => id));
  const ready = serving.filter(({ id }) => healthy.has(id));
  const count = `${ready.length} of at least ${wanted.least} servers of ${wanted.name} are healthy`;
  if (ready.length >= wanted.least) return met(count);
  const others = targets.filter(({ id, state }) => state !== "healthy" && members.some((member) => member.id === id));
  return waiting([count, ...others.map(describeTarget)].join("; "));
}

/** Whether a record gives the wanted target. `answers` are its addresses, or the name it is an alias of. */
export function judgeRecord({ name, target }: MovedRequest, answers: readonly string[]): Verdict {
  const found = answers.map(plainName);
  if (found.length === 1 && found[0] === plainName(target)) return met(`${name} leads to ${target}`);
  return waiting(`${name} leads to ${found.length === 0 ? "nothing" : found.join(", ")} instead of ${target}`);
}

/** Which targets are neither wanted nor a group's own, and whether the wanted ones can do without them. */
export function strangersAmong(
  targets: readonly Target[],
  keep: readonly string[],
  members: readonly string[],
): { strangers: Target[]; healthyLeft: number } {
  const wanted = new Set([...keep, ...members]);
  return {
    strangers: targets.filter(({ id }) => !wanted.has(id)),
    healthyLeft: targets.filter(({ id, state }) => wanted.has(id) && state === "healthy").length,
  };
}

/** Whether nobody is left but who shall be. */
export function judgeDrained(strangers: readonly Target[], healthyLeft: number): Verdict {
  if (strangers.length === 0) return met("no other target is left");
  const still = strangers.map(describeTarget).join("; ");
  return waiting(healthyLeft === 0 ? `no wanted target is healthy yet, so these stay: ${still}` : still);
}

/** Route 53 ends names with a dot, gives an alb's alias a `dualstack.` in front in its console, and ignores case. */
function plainName(name: string): string {
  return name
    .toLowerCase()
    .replace(/\.$/, "")
    .replace(/^dualstack\./, "");
}

function describeAnswer({ status, error }: Answer): string {
  return status === undefined ? `no answer (${error ?? "unknown reason"})` : `status ${status}`;
}

function describeTarget({ id, state, reason }: Target): string {
  return `${id} is ${state}${reason === undefined ? "" : ` (${reason})`}`;
}

function describeRefresh({ status, reason, percent }: Refresh): string {
  const done = percent === undefined ? "" : ` at ${percent} %`;
  return `the instance refresh is ${status}${done}${reason === undefined ? "" : ` (${reason})`}`;
}
