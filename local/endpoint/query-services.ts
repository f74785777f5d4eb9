import { AwsError } from "../aws/errors.ts";
import type { ResourceRecord } from "../aws/record.ts";
import { findType } from "../aws/types/index.ts";
import type { LocalAws } from "../local-aws.ts";
import { stateOf } from "../parts/group/model.ts";
import type { Xml } from "./xml.ts";

type Operation = (parameters: URLSearchParams, aws: LocalAws) => Xml;

/** Operations of APIs that speak the query protocol: form in, XML out. */
export const queryOperations: Readonly<Record<string, { readonly namespace: string; readonly run: Operation }>> = {
  DescribeTargetHealth: elb((parameters, aws) => {
    const group = targetGroup(parameters, aws);
    const asked = list(parameters, "Targets.member").map((entry) => entry.get("Id"));
    const targets = aws.targets.list(group.id).filter(({ id }) => asked.length === 0 || asked.includes(id));
    const known = targets.map(({ id, port, state, reason }) => describe(id, port, state, reason));
    const strangers = asked.filter((id) => !targets.some((target) => target.id === id));
    return {
      TargetHealthDescriptions: [
        ...known,
        ...strangers.map((id) => describe(id ?? "", Number(group.inputs.port), "unused", "Target.NotRegistered")),
      ],
    };
  }),
  RegisterTargets: elb((parameters, aws) => {
    const group = targetGroup(parameters, aws);
    for (const entry of list(parameters, "Targets.member")) {
      const id = entry.get("Id") ?? "";
      aws.targets.register(group.id, id, Number(entry.get("Port") ?? group.inputs.port));
      rememberRegistration(aws, group.id, id, true);
    }
    return {};
  }),
  DeregisterTargets: elb((parameters, aws) => {
    const group = targetGroup(parameters, aws);
    for (const entry of list(parameters, "Targets.member")) {
      const id = entry.get("Id") ?? "";
      aws.targets.deregister(group.id, id, entry.has("Port") ? Number(entry.get("Port")) : undefined);
      rememberRegistration(aws, group.id, id, false);
    }
    return {};
  }),
  DescribeAutoScalingGroups: scaling((parameters, aws) => {
    const names = list(parameters, "AutoScalingGroupNames.member").map((entry) => entry.get(""));
    const groups = aws.registry
      .ofType("aws:autoscaling/group:Group")
      .filter(({ state }) => state.members !== undefined);
    const asked = names.length === 0 ? groups : groups.filter(({ id }) => names.includes(id));
    return { AutoScalingGroups: asked.map((record) => describeGroup(record, aws)) };
  }),
  DescribeInstanceRefreshes: scaling((parameters, aws) => {
    const name = parameters.get("AutoScalingGroupName");
    const record = aws.registry.byId("aws:autoscaling/group:Group", name);
    if (!record) throw new AwsError("ValidationError", `AutoScalingGroup name not found - ${name}`);
    const most = Number(parameters.get("MaxRecords") ?? 50);
    return {
      InstanceRefreshes: stateOf(record)
        .refreshes.slice(0, most)
        .map((refresh) => ({
          InstanceRefreshId: refresh.id,
          AutoScalingGroupName: record.id,
          Status: refresh.status,
          StatusReason: refresh.reason,
          StartTime: new Date(refresh.started).toISOString(),
          EndTime: refresh.ended && new Date(refresh.ended).toISOString(),
          PercentageComplete: refresh.percent,
        })),
    };
  }),
};

function elb(run: Operation) {
  return { namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/", run };
}

function scaling(run: Operation) {
  return { namespace: "http://autoscaling.amazonaws.com/doc/2011-01-01/", run };
}

function targetGroup(parameters: URLSearchParams, aws: LocalAws): ResourceRecord {
  const arn = parameters.get("TargetGroupArn");
  const record = aws.registry.byId("aws:lb/targetGroup:TargetGroup", arn);
  if (!record) throw new AwsError("TargetGroupNotFound", `Target groups '${arn}' not found`);
  return record;
}

function describe(id: string, port: number, state: string, reason: string | undefined): Xml {
  return {
    Target: { Id: id, Port: port },
    HealthCheckPort: String(port),
    TargetHealth: { State: state, Reason: reason },
  };
}

/** The attachment stays in the program; only the target comes or goes, and that outlasts a restart. */
function rememberRegistration(aws: LocalAws, group: string, id: string, isRegistered: boolean): void {
  for (const record of aws.registry.ofType("aws:lb/targetGroupAttachment:TargetGroupAttachment")) {
    if (record.inputs.targetGroupArn !== group || record.inputs.targetId !== id) continue;
    record.state.isDeregistered = !isRegistered;
    aws.registry.save(record);
  }
}

function describeGroup(record: ResourceRecord, aws: LocalAws): Xml {
  const { desired, members } = stateOf(record);
  const { minSize, maxSize, healthCheckType = "EC2", healthCheckGracePeriod = 300, targetGroupArns } = record.inputs;
  const group = aws.groups.of(record);
  const arn = findType(record.type).outputs?.(record, aws).arn;
  return {
    AutoScalingGroupName: record.id,
    AutoScalingGroupARN: String(arn),
    MinSize: Number(minSize),
    MaxSize: Number(maxSize),
    DesiredCapacity: desired,
    DefaultCooldown: 300,
    AvailabilityZones: [],
    HealthCheckType: String(healthCheckType),
    HealthCheckGracePeriod: Number(healthCheckGracePeriod),
    CreatedTime: new Date(0).toISOString(),
    TargetGroupARNs: (targetGroupArns ?? []) as string[],
    Instances: members.map((member) => ({
      InstanceId: member.id,
      AvailabilityZone: String(
        aws.registry.byId("aws:ec2/subnet:Subnet", member.subnetId)?.inputs.availabilityZone ?? "",
      ),
      LifecycleState: member.lifecycle,
      HealthStatus: member.lifecycle === "Terminating" && !group.isHealthy(member) ? "Unhealthy" : "Healthy",
      LaunchTemplate: { LaunchTemplateId: member.templateId, Version: member.version },
      ProtectedFromScaleIn: false,
    })),
  };
}

/** The entries of a list: `Targets.member.1.Id=…` gives one with the key `Id`, `Names.member.1=…` one with the key "". */
function list(parameters: URLSearchParams, prefix: string): URLSearchParams[] {
  const entries = new Map<string, URLSearchParams>();
  for (const [key, value] of parameters) {
    if (!key.startsWith(`${prefix}.`)) continue;
    const [index = "", ...rest] = key.slice(prefix.length + 1).split(".");
    const entry = entries.get(index) ?? new URLSearchParams();
    entry.set(rest.join("."), value);
    entries.set(index, entry);
  }
  return [...entries.values()];
}
