import type { Properties, ResourceRecord } from "../../aws/record.ts";
import { hex, regionOf } from "../../aws/resource-type.ts";
import type { LocalAws } from "../../local-aws.ts";
import { privateIpIn, servicePort } from "../instance/instances.ts";
import { type GroupState, isRunning, type Member, type Refresh, settingsOf, stateOf } from "./model.ts";

/**
 * One Auto Scaling group. It compares what is with what should be whenever something changes, and takes the next step;
 * so it goes on from anywhere, also after a kill.
 */
export class Group {
  readonly record: ResourceRecord;
  readonly #aws: LocalAws;
  readonly #ending = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;
  #isLooking = false;

  constructor(aws: LocalAws, record: ResourceRecord) {
    this.#aws = aws;
    this.record = record;
  }

  get #state(): GroupState {
    return stateOf(this.record);
  }

  /** Starts again what was running when this machine's AWS ended. */
  async revive(): Promise<void> {
    // Until all of them run, those that do not yet would count as failed.
    this.#isLooking = true;
    const there = this.#active().filter(
      // One in service that has lost its disk is not brought back, but replaced.
      ({ id, lifecycle }) => lifecycle === "Pending" || this.#aws.instances.hasDisk(id),
    );
    await Promise.all(there.map((member) => this.#boot(member)));
    this.#isLooking = false;
    this.reconcile();
  }

  /** Looks at everything again. What that sets off may call it once more: then it looks again afterwards. */
  reconcile(): void {
    this.#isDue = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    while (this.#isDue && !this.#aws.isStopping) {
      this.#isDue = false;
      this.#look();
    }
    this.#isLooking = false;
  }

  #look(): void {
    this.#replaceFailed();
    for (const member of this.#state.members) if (member.lifecycle === "Terminating") void this.#end(member);
    const refresh = this.#state.refreshes.find(isRunning);
    if (refresh && !this.#state.isDeleting) this.#refresh(refresh);
    else this.#keepCount();
    this.#wakeUpLater();
  }

  #active(): Member[] {
    return this.#state.members.filter(({ lifecycle }) => lifecycle !== "Terminating");
  }

  #keepCount(): void {
    const active = this.#active();
    const wanted = this.#state.isDeleting ? 0 : this.#state.desired;
    for (let count = active.length; count < wanted; count++) this.#launch();
    // Those of an older template go first, then the oldest.
    const expendable = active.toSorted((a, b) => Number(this.#isCurrent(a)) - Number(this.#isCurrent(b)));
    for (const member of expendable.slice(0, Math.max(0, active.length - wanted)))
      this.#terminate(member, this.#state.isDeleting ? "the group is deleted" : "the group has more than it wants");
  }

  #isCurrent({ templateId, version }: Member): boolean {
    return templateId === this.#state.template.templateId && version === this.#state.template.version;
  }

  #launch(): void {
    const { subnets } = settingsOf(this.record);
    const count = (subnetId: string) => this.#active().filter((member) => member.subnetId === subnetId).length;
    const subnetId = subnets.toSorted((a, b) => count(a) - count(b))[0] ?? "";
    const id = `i-0${hex(`${this.record.urn}#${this.record.generation}#${this.#state.launched++}`, 16)}`;
    const subnet = this.#aws.registry.byId("aws:ec2/subnet:Subnet", subnetId);
    const member: Member = {
      id,
      subnetId,
      ...this.#state.template,
      privateIp: privateIpIn(subnet?.inputs.cidrBlock, id),
      lifecycle: "Pending",
      inServiceSince: 0,
    };
    this.#state.members.push(member);
    this.#save();
    this.#aws.log(`group ${this.record.id}: launching ${id} from template version ${member.version}`);
    this.#boot(member).catch((error: Error) => this.#terminate(member, error.message));
  }

  async #boot(member: Member): Promise<void> {
    const { userData } = this.#aws.groups.templateInputs(member);
    await this.#aws.instances.start({
      id: member.id,
      userData: Buffer.from(String(userData ?? ""), "base64").toString(),
      privateIp: member.privateIp,
      ...regionOf(this.record, this.#aws),
    });
    if (member.lifecycle === "Pending") {
      member.lifecycle = "InService";
      member.inServiceSince = Date.now();
      this.#save();
    }
    for (const group of settingsOf(this.record).targetGroups) this.#aws.targets.register(group, member.id, servicePort);
    this.reconcile();
  }

  /** Moves the servers from the target groups of before to those of now. */
  attach(before: readonly string[]): void {
    const { targetGroups } = settingsOf(this.record);
    for (const { id } of this.#active()) {
      for (const group of before) if (!targetGroups.includes(group)) this.#aws.targets.deregister(group, id);
      for (const group of targetGroups) this.#aws.targets.register(group, id, servicePort);
    }
  }

  #replaceFailed(): void {
    const refresh = this.#state.refreshes.find(isRunning);
    for (const member of this.#active()) {
      const failure = this.#failureOf(member);
      if (!failure) continue;
      this.#terminate(member, failure);
      const isNew = refresh && member.version === refresh.version && member.templateId === refresh.templateId;
      if (isNew && refresh.status !== "RollbackInProgress") this.#fail(refresh, `${member.id}: ${failure}`);
    }
  }

  /** Why a server has to be replaced, if it has to. */
  #failureOf(member: Member): string | undefined {
    if (member.lifecycle !== "InService") return undefined;
    if (this.#aws.instances.state(member.id) !== "running") return "EC2 instance status checks failure";
    const { isJudgedByBalancer, grace } = settingsOf(this.record);
    if (!isJudgedByBalancer || Date.now() - member.inServiceSince < grace) return undefined;
    return this.#healthOf(member) === "unhealthy" ? "an ELB health check failure" : undefined;
  }

  #healthOf({ id }: Member): string {
    const groups = settingsOf(this.record).targetGroups;
    const states = groups.map((group) => this.#aws.targets.list(group).find((target) => target.id === id)?.state);
    if (states.every((state) => state === "healthy")) return "healthy";
    return states.find((state) => state !== "healthy") ?? "initial";
  }

  /** Whether a server is in service, and healthy to every load balancer. */
  isHealthy(member: Member): boolean {
    return member.lifecycle === "InService" && this.#healthOf(member) === "healthy";
  }

  #terminate(member: Member, reason: string): void {
    if (member.lifecycle === "Terminating") return;
    this.#aws.log(`group ${this.record.id}: terminating ${member.id}: ${reason}`);
    member.lifecycle = "Terminating";
    this.#save();
    void this.#end(member);
  }

  /** Takes a server out of its target groups, waits until it has drained, and ends it. */
  async #end(member: Member): Promise<void> {
    if (this.#ending.has(member.id)) return;
    this.#ending.add(member.id);
    const { targets, instances } = this.#aws;
    const { targetGroups } = settingsOf(this.record);
    for (const group of targetGroups) targets.deregister(group, member.id);
    const isIn = () => targetGroups.some((group) => targets.list(group).some(({ id }) => id === member.id));
    await new Promise<void>((resolve) => {
      const look = () => {
        if (isIn() && !this.#aws.isStopping) return;
        targets.off("change", look);
        resolve();
      };
      targets.on("change", look);
      look();
    });
    if (this.#aws.isStopping) return;
    await instances.terminate(member.id);
    this.#ending.delete(member.id);
    this.#state.members = this.#state.members.filter(({ id }) => id !== member.id);
    this.#save();
    this.#aws.groups.emit("change", this.record.id);
    this.reconcile();
  }

  /** Takes a refresh one step further: new servers first, within the surge; then as many old ones as may go. */
  #refresh(refresh: Refresh): void {
    const { template } = this.#state;
    refresh.status = refresh.status === "Pending" ? "InProgress" : refresh.status;
    const { minHealthy, maxHealthy, warmup } = settingsOf(this.record);
    const { desired } = this.#state;
    const active = this.#active();
    const current = active.filter((member) => this.#isCurrent(member));
    const outdated = active.filter((member) => !this.#isCurrent(member));
    const isReady = (member: Member) => this.isHealthy(member) && Date.now() - member.inServiceSince >= warmup;
    const ready = current.filter(isReady).length;
    refresh.percent = desired === 0 ? 100 : Math.floor((Math.min(ready, desired) / desired) * 100);
    const most = Math.max(desired + (minHealthy === 100 ? 1 : 0), Math.floor((desired * maxHealthy) / 100));
    // Without room for a surge a new one starts when the old one is gone, not while it still ends.
    const standing = most > desired ? active.length : this.#state.members.length;
    for (let count = standing; count < most && current.length + count - standing < desired; count++) this.#launch();
    const unhealthyFirst = outdated.toSorted((a, b) => Number(this.isHealthy(a)) - Number(this.isHealthy(b)));
    const healthyOld = outdated.filter((member) => this.isHealthy(member)).length;
    const spare = ready + healthyOld - Math.ceil((desired * minHealthy) / 100);
    // Without room for a surge one has to go first, whatever the minimum says; AWS does the same.
    const isStuck = most <= desired && ready === current.length;
    const going = outdated.length - healthyOld + Math.max(spare, isStuck ? 1 : 0);
    for (const member of unhealthyFirst.slice(0, going))
      this.#terminate(member, `the refresh brings template version ${template.version}`);
    const isOver = this.#state.members.every((member) => this.#isCurrent(member)) && ready >= desired;
    if (isOver) this.#finish(refresh, refresh.status === "RollbackInProgress" ? "RollbackSuccessful" : "Successful");
    this.#save();
  }

  #fail(refresh: Refresh, reason: string): void {
    this.#aws.log(`group ${this.record.id}: the instance refresh failed: ${reason}`);
    refresh.reason = reason;
    if (!settingsOf(this.record).rollsBack) return this.#finish(refresh, "Failed");
    refresh.status = "RollbackInProgress";
    this.#state.template = { ...refresh.before };
    this.#save();
  }

  #finish(refresh: Refresh, status: Refresh["status"]): void {
    refresh.status = status;
    refresh.ended = Date.now();
    if (status === "Successful") refresh.percent = 100;
    if (status === "RollbackSuccessful") {
      // The group itself goes back, which the next `pulumi refresh` finds.
      const { templateId: id, version } = refresh.before;
      this.record.inputs = { ...this.record.inputs, launchTemplate: { id, version } };
    }
    this.#aws.log(`group ${this.record.id}: instance refresh ${status}`);
    this.#save();
  }

  /** Begins to replace servers that are not of the template that the inputs now name. Returns at once. */
  startRefresh(before: { templateId: string; version: string }): void {
    const running = this.#state.refreshes.find(isRunning);
    if (running) this.#finish(running, "Cancelled");
    const count = this.#state.refreshes.length;
    const refresh: Refresh = {
      id: hex(`${this.record.urn}#refresh#${count}`, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
      started: Date.now(),
      ...this.#state.template,
      before,
      status: "Pending",
      percent: 0,
    };
    this.#state.refreshes = [refresh, ...this.#state.refreshes].slice(0, 100);
    this.#save();
    setImmediate(() => this.reconcile());
  }

  /** Some things happen by time alone: the end of a grace or warm-up time. */
  #wakeUpLater(): void {
    clearTimeout(this.#timer);
    const { grace, warmup } = settingsOf(this.record);
    const now = Date.now();
    const moments = this.#active().flatMap(({ inServiceSince }) => [inServiceSince + grace, inServiceSince + warmup]);
    const next = Math.min(...moments.filter((moment) => moment > now));
    if (Number.isFinite(next)) this.#timer = setTimeout(() => this.reconcile(), next - now + 5).unref();
  }

  #save(): void {
    this.#aws.registry.save(this.record);
    this.#aws.groups.emit("change", this.record.id);
  }
}

/** The launch template that a group's inputs name, with its version as a number. */
export function templateIn({ launchTemplate }: Properties, aws: LocalAws): { templateId: string; version: string } {
  const { id, name, version = "$Default" } = (launchTemplate ?? {}) as Record<string, string | undefined>;
  const template = aws.registry
    .ofType("aws:ec2/launchTemplate:LaunchTemplate")
    .find((record) => record.id === id || (name !== undefined && record.inputs.name === name));
  if (!template) throw new Error(`there is no launch template ${id ?? name}`);
  const latest = Object.keys((template.state.versions ?? {}) as object).length;
  const named: Record<string, unknown> = { $Latest: latest, $Default: template.state.defaultVersion ?? 1 };
  return { templateId: template.id, version: String(named[version] ?? version) };
}
