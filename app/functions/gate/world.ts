import {
  AutoScalingClient,
  DescribeInstanceRefreshesCommand,
  paginateDescribeAutoScalingGroups,
} from "@aws-sdk/client-auto-scaling";
import {
  DeregisterTargetsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  RegisterTargetsCommand,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { ListResourceRecordSetsCommand, Route53Client } from "@aws-sdk/client-route-53";
import { askHealth } from "./health.ts";
import type { Answer, Member, Refresh, Target } from "./verdicts.ts";

/** The little of AWS that the waiter looks at and touches. */
export interface World {
  targets(targetGroupArn: string): Promise<Target[]>;
  register(targetGroupArn: string, id: string): Promise<void>;
  deregister(targetGroupArn: string, ids: readonly string[]): Promise<void>;
  /** Servers of one group; undefined when there is no such group. */
  members(group: string): Promise<Member[] | undefined>;
  /** Ids of every server that belongs to any group. */
  everyMember(): Promise<string[]>;
  newestRefresh(group: string): Promise<Refresh | undefined>;
  /** Addresses of an A record, or the name it is an alias of. */
  record(zoneId: string, name: string): Promise<string[]>;
  /** GET /health at this address, as clients who ask for `name` get it. */
  health(address: string, name?: string): Promise<Answer>;
}

/** AWS itself, in the region and with the permissions of the function. */
export function awsWorld(): World {
  const balancing = new ElasticLoadBalancingV2Client();
  const scaling = new AutoScalingClient();
  const dns = new Route53Client();

  async function groups(names?: string[]) {
    const found = [];
    const input = names === undefined ? {} : { AutoScalingGroupNames: names };
    for await (const page of paginateDescribeAutoScalingGroups({ client: scaling }, input))
      found.push(...(page.AutoScalingGroups ?? []));
    return found;
  }

  return {
    async targets(targetGroupArn) {
      const found = await balancing.send(new DescribeTargetHealthCommand({ TargetGroupArn: targetGroupArn }));
      return (found.TargetHealthDescriptions ?? []).map(({ Target, TargetHealth }) => ({
        id: Target?.Id ?? "",
        state: TargetHealth?.State ?? "unknown",
        reason: TargetHealth?.Reason,
      }));
    },
    async register(targetGroupArn, id) {
      await balancing.send(new RegisterTargetsCommand({ TargetGroupArn: targetGroupArn, Targets: [{ Id: id }] }));
    },
    async deregister(targetGroupArn, ids) {
      const Targets = ids.map((Id) => ({ Id }));
      await balancing.send(new DeregisterTargetsCommand({ TargetGroupArn: targetGroupArn, Targets }));
    },
    async members(group) {
      const [found] = await groups([group]);
      return found?.Instances?.map(({ InstanceId, LifecycleState, LaunchTemplate }) => ({
        id: InstanceId ?? "",
        lifecycle: LifecycleState ?? "unknown",
        templateVersion: LaunchTemplate?.Version,
      }));
    },
    async everyMember() {
      const instances = (await groups()).flatMap(({ Instances }) => Instances ?? []);
      return instances.flatMap(({ InstanceId }) => (InstanceId === undefined ? [] : [InstanceId]));
    },
    async newestRefresh(group) {
      const found = await scaling.send(
        new DescribeInstanceRefreshesCommand({ AutoScalingGroupName: group, MaxRecords: 1 }),
      );
      const newest = found.InstanceRefreshes?.[0];
      if (newest === undefined) return undefined;
      const { Status = "unknown", StatusReason, PercentageComplete } = newest;
      return { status: Status, reason: StatusReason, percent: PercentageComplete };
    },
    async record(zoneId, name) {
      const found = await dns.send(
        new ListResourceRecordSetsCommand({
          HostedZoneId: zoneId,
          StartRecordName: name,
          StartRecordType: "A",
          MaxItems: 1,
        }),
      );
      // The list starts at the first record at or after the name: it may be another one.
      const record = found.ResourceRecordSets?.find(
        ({ Name, Type }) => Type === "A" && Name?.replace(/\.$/, "") === name.replace(/\.$/, ""),
      );
      const alias = record?.AliasTarget?.DNSName;
      if (alias !== undefined) return [alias];
      return (record?.ResourceRecords ?? []).flatMap(({ Value }) => (Value === undefined ? [] : [Value]));
    },
    health: askHealth,
  };
}
