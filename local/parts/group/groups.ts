import { EventEmitter } from "node:events";
import { AwsError, NotSettled } from "../../aws/errors.ts";
import type { Properties, ResourceRecord } from "../../aws/record.ts";
import type { Part } from "../../aws/resource-type.ts";
import type { LocalAws } from "../../local-aws.ts";
import { Group, templateIn } from "./group.ts";
import { type GroupState, type Member, stateOf } from "./model.ts";

const type = "aws:autoscaling/group:Group";

/** Auto Scaling groups, kept in step with their servers and what load balancers think of them. */
export class Groups extends EventEmitter<{ change: [name: string]; cancel: [] }> {
  readonly #aws: LocalAws;
  readonly #groups = new Map<string, Group>();

  constructor(aws: LocalAws) {
    super();
    this.setMaxListeners(0);
    this.#aws = aws;
    aws.instances.on("change", () => this.#reconcileAll());
    aws.targets.on("change", () => this.#reconcileAll());
  }

  #reconcileAll(): void {
    for (const group of this.#groups.values()) group.reconcile();
  }

  async revive(): Promise<void> {
    await Promise.all(
      this.#aws.registry
        .ofType(type)
        .filter(({ state }) => state.members !== undefined)
        .map((record) => this.of(record).revive()),
    );
  }

  of(record: ResourceRecord): Group {
    const group = this.#groups.get(record.id) ?? new Group(this.#aws, record);
    this.#groups.set(record.id, group);
    return group;
  }

  forget(record: ResourceRecord): void {
    this.#groups.delete(record.id);
  }

  /** The launch template's inputs at the version that a server was made from. */
  templateInputs({ templateId, version }: Pick<Member, "templateId" | "version">): Properties {
    const template = this.#aws.registry.byId("aws:ec2/launchTemplate:LaunchTemplate", templateId);
    return ((template?.state.versions as Record<string, Properties> | undefined)?.[version] ?? {}) as Properties;
  }

  /** The same, for a server of any group. */
  templateOf(instanceId: string): Properties | undefined {
    const records = this.#aws.registry.ofType(type).filter(({ state }) => state.members !== undefined);
    const member = records.flatMap((record) => stateOf(record).members).find(({ id }) => id === instanceId);
    return member && this.templateInputs(member);
  }

  /** Waits until a condition holds that groups, targets or servers decide; false when time runs out, or patience. */
  waitUntil(condition: () => boolean, timeout: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (answer: boolean) => {
        clearTimeout(timer);
        this.off("change", look);
        this.off("cancel", giveUp);
        this.#aws.targets.off("change", look);
        resolve(answer);
      };
      const look = () => condition() && end(true);
      const giveUp = () => end(false);
      const timer = setTimeout(() => end(false), timeout);
      this.on("change", look);
      this.on("cancel", giveUp);
      this.#aws.targets.on("change", look);
      look();
    });
  }
}

function desiredIn({ desiredCapacity, minSize, maxSize }: Properties, current: unknown): number {
  return Math.min(Number(maxSize), Math.max(Number(minSize), Number(desiredCapacity ?? current ?? minSize)));
}

/** Waits as AWS's provider does: for a number of servers in service, or healthy behind the load balancers. */
async function waitForCapacity(record: ResourceRecord, aws: LocalAws, isNew: boolean): Promise<void> {
  const { waitForCapacityTimeout = "10m", waitForElbCapacity = 0, minElbCapacity = 0 } = record.inputs;
  const timeout = milliseconds(String(waitForCapacityTimeout));
  const group = aws.groups.of(record);
  const wantedBehind = Number(waitForElbCapacity) || (isNew ? Number(minElbCapacity) : 0);
  if (timeout === 0 || (!isNew && wantedBehind === 0)) return;
  const inService = () => stateOf(record).members.filter(({ lifecycle }) => lifecycle === "InService");
  const healthy = () => inService().filter((member) => group.isHealthy(member)).length;
  const isMet = () => {
    if (inService().length < stateOf(record).desired) return false;
    // A new group may have more than enough; an existing one has to have exactly so many.
    return wantedBehind === 0 || (isNew ? healthy() >= wantedBehind : healthy() === wantedBehind);
  };
  if (await aws.groups.waitUntil(isMet, timeout)) return;
  const what =
    wantedBehind > 0
      ? `want ${isNew ? "at least " : "exactly "}${wantedBehind} healthy instance(s) registered to Load Balancer, have ${healthy()}`
      : `want at least ${stateOf(record).desired} healthy instance(s) in Auto Scaling Group, have ${inService().length}`;
  throw new NotSettled(
    `waiting for Auto Scaling Group (${record.id}) capacity satisfied: timeout while waiting after ${String(waitForCapacityTimeout)}: ${what}`,
  );
}

/** A duration as Go writes it: `10m`, `1h30m`, `90s`. */
function milliseconds(duration: string): number {
  const units: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  return [...duration.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)].reduce(
    (sum, [, number, unit = ""]) => sum + Number(number) * (units[unit] ?? 0),
    0,
  );
}

export const autoScalingGroup: Part = {
  create: async (record, aws) => {
    const fresh: GroupState = {
      desired: desiredIn(record.inputs, undefined),
      launched: 0,
      members: [],
      refreshes: [],
      template: templateIn(record.inputs, aws),
    };
    record.state = { ...fresh, ...record.state };
    aws.registry.save(record);
    aws.groups.of(record).reconcile();
    await waitForCapacity(record, aws, true);
  },
  update: async (record, before, aws) => {
    const state = stateOf(record);
    const isResized = before.desiredCapacity !== record.inputs.desiredCapacity;
    state.desired = desiredIn(
      isResized ? record.inputs : { ...record.inputs, desiredCapacity: undefined },
      state.desired,
    );
    const previous = state.template;
    state.template = templateIn(record.inputs, aws);
    aws.registry.save(record);
    const group = aws.groups.of(record);
    const isChanged = JSON.stringify(before.launchTemplate) !== JSON.stringify(record.inputs.launchTemplate);
    if (isChanged && record.inputs.instanceRefresh !== undefined) group.startRefresh(previous);
    group.attach((before.targetGroupArns ?? []) as string[]);
    group.reconcile();
    await waitForCapacity(record, aws, false);
  },
  delete: async (record, aws) => {
    if (record.state.members === undefined) return;
    stateOf(record).isDeleting = true;
    aws.registry.save(record);
    aws.groups.of(record).reconcile();
    const isEmpty = await aws.groups.waitUntil(() => stateOf(record).members.length === 0, 15 * 60_000);
    if (!isEmpty) throw new AwsError("ResourceInUse", `group ${record.id} still has instances; run it again`);
    aws.groups.forget(record);
  },
};
