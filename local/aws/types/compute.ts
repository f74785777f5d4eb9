import { lambdaFunction } from "../../parts/function/functions.ts";
import { followsLifecycle, invocation, unfitEvent } from "../../parts/function/invocation.ts";
import { autoScalingGroup } from "../../parts/group/groups.ts";
import { elasticIp, instance, launchTemplate, makesTemplateVersion } from "../../parts/instance/parts.ts";
import { arn, ec2Id, hex, inputId, ownHex, regionOf, type ResourceType } from "../resource-type.ts";

/** AWS's name for a private address. */
const privateName = (ip: unknown) => `ip-${String(ip).replaceAll(".", "-")}.ec2.internal`;

/** Servers, addresses, functions. */
export const compute: Record<string, ResourceType> = {
  "aws:ec2/eip:Eip": {
    id: ec2Id("eipalloc"),
    part: elasticIp,
    outputs: (record, context) => ({
      allocationId: record.id,
      arn: arn(regionOf(record, context), "ec2", `elastic-ip/${record.id}`),
      publicIp: record.state.publicIp,
      publicDns: `ec2-${String(record.state.publicIp).replaceAll(".", "-")}.compute-1.amazonaws.com`,
    }),
    defaults: { domain: "vpc" },
  },
  "aws:ec2/eipAssociation:EipAssociation": {
    id: ec2Id("eipassoc"),
    outputs: (record, { registry }) => ({
      publicIp: registry.byId("aws:ec2/eip:Eip", record.inputs.allocationId)?.state.publicIp,
    }),
  },
  "aws:ec2/instance:Instance": {
    part: instance,
    unserved: ["launchTemplate", "networkInterfaces", "spotPrice", "instanceMarketOptions"],
    id: ec2Id("i"),
    replaces: (before, after) =>
      after.userDataReplaceOnChange === true
        ? ["userData", "userDataBase64"].filter((property) => before[property] !== after[property])
        : [],
    outputs: (record, { registry, ...context }) => {
      const subnet = registry.byId("aws:ec2/subnet:Subnet", record.inputs.subnetId);
      return {
        arn: arn(regionOf(record, { registry, ...context }), "ec2", `instance/${record.id}`),
        instanceState: "running",
        availabilityZone: subnet?.inputs.availabilityZone ?? `${context.region}a`,
        privateIp: record.state.privateIp,
        privateDns: privateName(record.state.privateIp),
        primaryNetworkInterfaceId: `eni-0${ownHex(record, 16)}`,
      };
    },
  },
  "aws:ec2/launchTemplate:LaunchTemplate": {
    naming: {
      property: "name",
      prefix: "namePrefix",
      maxLength: 128,
      taken: "InvalidLaunchTemplateName.AlreadyExistsException",
    },
    id: ec2Id("lt"),
    part: launchTemplate,
    renews: (changed) => (changed.some(makesTemplateVersion) ? ["latestVersion", "defaultVersion"] : []),
    outputs: (record, context) => ({
      arn: arn(regionOf(record, context), "ec2", `launch-template/${record.id}`),
      latestVersion: Object.keys(record.state.versions ?? {}).length,
      defaultVersion: record.state.defaultVersion ?? 1,
    }),
  },
  "aws:autoscaling/group:Group": {
    required: ["minSize", "maxSize"],
    part: autoScalingGroup,
    unserved: [
      "availabilityZones",
      "initialLifecycleHooks",
      "launchConfiguration",
      "loadBalancers",
      "mixedInstancesPolicy",
      "suspendedProcesses",
      "trafficSources",
      "warmPool",
    ],
    naming: { property: "name", prefix: "namePrefix", maxLength: 255, taken: "AlreadyExists" },
    id: inputId("name"),
    outputs: (record, context) => ({
      arn: arn(
        regionOf(record, context),
        "autoscaling",
        `autoScalingGroup:${ownHex(record, 8)}:autoScalingGroupName/${record.inputs.name}`,
      ),
      desiredCapacity: record.state.desired,
    }),
    defaults: { defaultCooldown: 300, healthCheckGracePeriod: 300, healthCheckType: "EC2" },
  },
  "aws:autoscaling/policy:Policy": {
    required: ["autoscalingGroupName"],
    naming: { property: "name", maxLength: 255, taken: "", within: ["autoscalingGroupName"] },
    id: inputId("name"),
    outputs: (record, context) => ({
      arn: arn(regionOf(record, context), "autoscaling", `scalingPolicy:${ownHex(record, 8)}:policyName/${record.id}`),
    }),
  },
  "aws:lambda/function:Function": {
    required: ["role"],
    part: lambdaFunction,
    unserved: ["imageUri", "layers", "s3Bucket", "fileSystemConfig"],
    naming: { property: "name", maxLength: 64, taken: "ResourceConflictException" },
    id: inputId("name"),
    renews: (changed) => (changed.length > 0 ? ["lastModified", "codeSha256"] : []),
    outputs: (record, context) => {
      const own = arn(regionOf(record, context), "lambda", `function:${record.inputs.name}`);
      return {
        arn: own,
        invokeArn: `arn:aws:apigateway:${context.region}:lambda:path/2015-03-31/functions/${own}/invocations`,
        version: "$LATEST",
        qualifiedArn: `${own}:$LATEST`,
        codeSha256: hex(JSON.stringify(record.inputs.code ?? ""), 64),
        lastModified: "2026-01-01T00:00:00.000+0000",
      };
    },
  },
  "aws:lambda/invocation:Invocation": {
    required: ["functionName", "input"],
    part: invocation,
    check: unfitEvent,
    // It is told of another input; only one that is invoked when it is made has to be made anew.
    keeps: (_before, after) => (followsLifecycle(after) ? ["input"] : []),
    renews: () => ["result"],
    id: (draft) => `${draft.inputs.functionName}_$LATEST_${ownHex(draft, 32)}`,
    outputs: (record) => ({ result: record.state.result }),
  },
  "aws:lambda/permission:Permission": {
    required: ["action", "function", "principal"],
    id: (draft) => String(draft.inputs.statementId ?? `terraform-${ownHex(draft, 26)}`),
  },
};
