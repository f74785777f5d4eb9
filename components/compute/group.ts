import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { MachineArgs, Serving } from "./machine.ts";
import { launchTemplate } from "./template.ts";

/** Arguments of `Group`. */
export interface GroupArgs extends MachineArgs {
  /** Private subnets, one per zone. */
  readonly subnetIds: pulumi.Input<string[]>;
  readonly minServers: number;
  readonly maxServers: number;
  /** User data: the bootstrap, pinned to one version of the release, so that a new release is a new template. */
  readonly bootstrap: pulumi.Input<string>;
}

/** Servers in every zone that are replaced when they fail, added under load, and rolled over on a new release. */
export class Group extends pulumi.ComponentResource {
  readonly serving: Serving;

  constructor(name: string, args: GroupArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:compute:Group", name, {}, opts);
    const tags = { Name: `${name}-server` };
    const { ami, instanceType, diskSize, securityGroupId, bootstrap } = args;
    const { instanceProfileArn } = args.identity;
    const template = launchTemplate(
      `${name}-template`,
      { ami, instanceType, diskSize, securityGroupId, instanceProfileArn, bootstrap, tags },
      this,
    );
    const group = new aws.autoscaling.Group(
      `${name}-group`,
      {
        vpcZoneIdentifiers: args.subnetIds,
        minSize: args.minServers,
        maxSize: args.maxServers,
        launchTemplate: template,
        targetGroupArns: args.targetGroupArn === undefined ? [] : [args.targetGroupArn],
        healthCheckType: "ELB",
        healthCheckGracePeriod: 120,
        defaultInstanceWarmup: 30,
        instanceRefresh: {
          strategy: "Rolling",
          preferences: { minHealthyPercentage: 100, maxHealthyPercentage: 200, autoRollback: true, skipMatching: true },
        },
        // The gate waits for health. The provider's own wait wants an exact number of servers on every update, which
        // a group that has scaled out never shows.
        waitForCapacityTimeout: "0",
        enabledMetrics: ["GroupInServiceInstances", "GroupDesiredCapacity"],
        tags: Object.entries(tags).map(([key, value]) => ({ key, value, propagateAtLaunch: false })),
      },
      // Scaling moves the desired capacity all day; an update must not move it back.
      { parent: this, ignoreChanges: ["desiredCapacity"], dependsOn: [args.identity, ...args.after] },
    );
    new aws.autoscaling.Policy(
      `${name}-group-tracking`,
      {
        autoscalingGroupName: group.name,
        policyType: "TargetTrackingScaling",
        targetTrackingConfiguration: {
          predefinedMetricSpecification: { predefinedMetricType: "ASGAverageCPUUtilization" },
          targetValue: 50,
        },
      },
      { parent: this },
    );
    this.serving = { kind: "group", name: group.name, templateVersion: template.version, least: args.minServers };
    this.registerOutputs({ groupName: group.name });
  }
}
