import type { Properties, ResourceRecord } from "../../aws/record.ts";

/** A server of an Auto Scaling group. */
export interface Member {
  readonly id: string;
  readonly subnetId: string;
  /** Launch template and version that it was made from. */
  readonly templateId: string;
  readonly version: string;
  readonly privateIp: string;
  lifecycle: "Pending" | "InService" | "Terminating";
  /** Milliseconds since 1970; 0 before it is in service. */
  inServiceSince: number;
}

export type RefreshStatus =
  "Pending" | "InProgress" | "Successful" | "Failed" | "Cancelled" | "RollbackInProgress" | "RollbackSuccessful";

/** A run that replaces a group's servers by servers of a new template version. */
export interface Refresh {
  readonly id: string;
  readonly started: number;
  readonly templateId: string;
  readonly version: string;
  /** What the group's servers were made from before, for a rollback. */
  readonly before: { readonly templateId: string; readonly version: string };
  status: RefreshStatus;
  reason?: string;
  ended?: number;
  percent: number;
}

/** What a group keeps beside its inputs. */
export interface GroupState {
  desired: number;
  launched: number;
  members: Member[];
  /** Newest first. */
  refreshes: Refresh[];
  /** Template that new servers are made from. */
  template: { templateId: string; version: string };
  isDeleting?: boolean;
}

export function stateOf(record: ResourceRecord): GroupState {
  return record.state as unknown as GroupState;
}

export interface GroupSettings {
  readonly min: number;
  readonly max: number;
  readonly subnets: readonly string[];
  readonly targetGroups: readonly string[];
  /** Whether the load balancer's opinion counts. */
  readonly isJudgedByBalancer: boolean;
  /** Milliseconds for which a new server's bad health is overlooked. */
  readonly grace: number;
  /** Milliseconds that a new server must be in service before a refresh goes on. */
  readonly warmup: number;
  /** Per cent of the desired capacity. */
  readonly minHealthy: number;
  readonly maxHealthy: number;
  readonly rollsBack: boolean;
}

export function settingsOf({ inputs }: ResourceRecord): GroupSettings {
  const { healthCheckGracePeriod = 300, defaultInstanceWarmup, instanceRefresh } = inputs;
  const preferences = ((instanceRefresh as Properties | undefined)?.preferences ?? {}) as Properties;
  const minHealthy = Number(preferences.minHealthyPercentage ?? 90);
  const warmup = preferences.instanceWarmup ?? defaultInstanceWarmup ?? healthCheckGracePeriod;
  return {
    min: Number(inputs.minSize),
    max: Number(inputs.maxSize),
    subnets: (inputs.vpcZoneIdentifiers ?? []) as string[],
    targetGroups: (inputs.targetGroupArns ?? []) as string[],
    isJudgedByBalancer: inputs.healthCheckType === "ELB",
    grace: Number(healthCheckGracePeriod) * 1000,
    warmup: Number(warmup) * 1000,
    minHealthy,
    maxHealthy: Number(preferences.maxHealthyPercentage ?? Math.max(100, minHealthy)),
    rollsBack: preferences.autoRollback === true,
  };
}

export const isRunning = ({ status }: Refresh): boolean =>
  status === "Pending" || status === "InProgress" || status === "RollbackInProgress";
