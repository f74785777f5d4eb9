import { listener, loadBalancer, targetGroupAttachment } from "../../parts/balancer/balancers.ts";
import { webAclAssociation } from "../../parts/balancer/waf.ts";
import type { Context } from "../context.ts";
import type { ResourceRecord } from "../record.ts";
import { arn, inputId, ownHex, regionOf, type ResourceType } from "../resource-type.ts";

/** Load balancers, what they send to, and the names that lead to them. */
export const balancing: Record<string, ResourceType> = {
  "aws:lb/loadBalancer:LoadBalancer": {
    naming: { property: "name", prefix: "namePrefix", maxLength: 32, taken: "DuplicateLoadBalancerName" },
    id: (draft, context) =>
      arn(
        regionOf(draft, context),
        "elasticloadbalancing",
        `loadbalancer/${kind(draft.inputs)}/${draft.inputs.name}/${ownHex(draft, 16)}`,
      ),
    check: ({ loadBalancerType = "application" }) =>
      ["application", "network"].includes(String(loadBalancerType))
        ? []
        : [{ property: "loadBalancerType", reason: "the local AWS has application and network load balancers" }],
    outputs: (record, context) => ({
      arn: record.id,
      arnSuffix: record.id.split("loadbalancer/")[1],
      dnsName: dnsNameOf(record, context),
      zoneId: "Z35SXDOTRQ7X7K",
    }),
    part: loadBalancer,
    unserved: ["internal", "subnetMappings"],
    defaults: { loadBalancerType: "application", ipAddressType: "ipv4" },
  },
  "aws:lb/targetGroup:TargetGroup": {
    naming: { property: "name", prefix: "namePrefix", maxLength: 32, taken: "DuplicateTargetGroupName" },
    id: (draft, context) =>
      arn(regionOf(draft, context), "elasticloadbalancing", `targetgroup/${draft.inputs.name}/${ownHex(draft, 16)}`),
    inUse: "ResourceInUse",
    unserved: ["slowStart", "targetFailovers", "targetHealthStates"],
    check: ({ targetType = "instance" }) =>
      targetType === "instance"
        ? []
        : [{ property: "targetType", reason: "the local AWS has targets of type instance" }],
    outputs: (record) => ({
      arn: record.id,
      arnSuffix: record.id.split(":").at(-1),
      loadBalancerArns: [],
    }),
    defaults: { targetType: "instance" },
  },
  "aws:lb/targetGroupAttachment:TargetGroupAttachment": {
    required: ["targetGroupArn", "targetId"],
    part: targetGroupAttachment,
    id: (draft) => `${draft.inputs.targetGroupArn}-${ownHex(draft, 20)}`,
  },
  "aws:lb/listener:Listener": {
    required: ["loadBalancerArn", "defaultActions"],
    once: { inputs: ["loadBalancerArn", "port"], taken: "DuplicateListener" },
    id: (draft) =>
      `${String(draft.inputs.loadBalancerArn).replace(":loadbalancer/", ":listener/")}/${ownHex(draft, 16)}`,
    outputs: (record) => ({ arn: record.id }),
    part: listener,
    check: ({ protocol }) =>
      protocol === "HTTPS" || protocol === "TLS"
        ? [
            {
              property: "protocol",
              reason: `the local AWS has no certificates, so no ${protocol}: leave certificateArn out`,
            },
          ]
        : [],
  },
  "aws:wafv2/webAclAssociation:WebAclAssociation": {
    required: ["resourceArn", "webAclArn"],
    part: webAclAssociation,
    id: inputId("webAclArn", "resourceArn"),
  },
  "aws:route53/record:Record": {
    required: ["name", "type", "zoneId"],
    id: ({ inputs }) => `${inputs.zoneId}_${inputs.name}_${inputs.type}`,
    once: {
      inputs: ["zoneId", "name", "type", "setIdentifier"],
      taken: "InvalidChangeBatch",
      unless: "allowOverwrite",
    },
    unserved: [
      "failoverRoutingPolicies",
      "geolocationRoutingPolicies",
      "latencyRoutingPolicies",
      "weightedRoutingPolicies",
    ],
    check: ({ records, aliases, ttl }) =>
      (records === undefined) === (aliases === undefined) || (records !== undefined && ttl === undefined)
        ? [{ property: "records", reason: "either aliases, or records with a ttl, must be given" }]
        : [],
    outputs: ({ inputs }) => ({ fqdn: inputs.name }),
  },
};

/** The name that a load balancer answers to. */
export function dnsNameOf(record: ResourceRecord, context: Context): string {
  const { region } = regionOf(record, context);
  const name = String(record.inputs.name);
  return kind(record.inputs) === "net"
    ? `${name}-${ownHex(record, 16)}.elb.${region}.amazonaws.com`
    : `${name}-${Number.parseInt(ownHex(record, 8), 16)}.${region}.elb.amazonaws.com`;
}

function kind({ loadBalancerType }: Record<string, unknown>): string {
  return loadBalancerType === "network" ? "net" : "app";
}
