import { arn, ec2Id, ownHex, regionOf, type ResourceType } from "../resource-type.ts";
import type { Context } from "../context.ts";
import type { ResourceRecord } from "../record.ts";
import { account } from "../resource-type.ts";

const ec2Arn = (kind: string) => (record: ResourceRecord, context: Context) => ({
  arn: arn(regionOf(record, context), "ec2", `${kind}/${record.id}`),
  ownerId: account,
});

const derivedId = (record: ResourceRecord, prefix: string) => `${prefix}-0${ownHex(record, 12)}`;

/** The network: recorded. Its security groups and network ACLs are what the firewall evaluates. */
export const network: Record<string, ResourceType> = {
  "aws:ec2/vpc:Vpc": {
    required: ["cidrBlock"],
    id: ec2Id("vpc"),
    inUse: "DependencyViolation",
    outputs: (record, context) => ({
      ...ec2Arn("vpc")(record, context),
      defaultSecurityGroupId: derivedId(record, "sg"),
      defaultNetworkAclId: derivedId(record, "acl"),
      defaultRouteTableId: derivedId(record, "rtb"),
      mainRouteTableId: derivedId(record, "rtb"),
      dhcpOptionsId: derivedId(record, "dopt"),
    }),
  },
  "aws:ec2/subnet:Subnet": {
    required: ["vpcId"],
    id: ec2Id("subnet"),
    inUse: "DependencyViolation",
    once: { inputs: ["vpcId", "cidrBlock"], taken: "InvalidSubnet.Conflict" },
    outputs: ec2Arn("subnet"),
  },
  "aws:ec2/internetGateway:InternetGateway": { id: ec2Id("igw"), outputs: ec2Arn("internet-gateway") },
  "aws:ec2/routeTable:RouteTable": {
    required: ["vpcId"],
    id: ec2Id("rtb"),
    inUse: "DependencyViolation",
    outputs: ec2Arn("route-table"),
  },
  "aws:ec2/routeTableAssociation:RouteTableAssociation": {
    required: ["routeTableId"],
    id: ec2Id("rtbassoc"),
    once: { inputs: ["subnetId", "gatewayId"], taken: "Resource.AlreadyAssociated" },
  },
  "aws:ec2/route:Route": {
    required: ["routeTableId"],
    id: (draft) => `r-${String(draft.inputs.routeTableId)}${ownHex(draft, 10)}`,
    once: {
      inputs: ["routeTableId", "destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId"],
      taken: "RouteAlreadyExists",
    },
    outputs: () => ({ state: "active", origin: "CreateRoute" }),
  },
  "aws:ec2/natGateway:NatGateway": {
    id: ec2Id("nat"),
    outputs: (record) => ({
      privateIp: `10.0.0.${(Number.parseInt(ownHex(record, 2), 16) % 250) + 4}`,
      networkInterfaceId: derivedId(record, "eni"),
    }),
  },
  "aws:ec2/securityGroup:SecurityGroup": {
    naming: {
      property: "name",
      prefix: "namePrefix",
      maxLength: 255,
      taken: "InvalidGroup.Duplicate",
      within: ["vpcId"],
    },
    id: ec2Id("sg"),
    inUse: "DependencyViolation",
    defaults: { description: "Managed by Pulumi" },
    outputs: ec2Arn("security-group"),
    check: ({ ingress }) =>
      Array.isArray(ingress) && ingress.length > 0
        ? [
            {
              property: "ingress",
              reason:
                "the local AWS evaluates rules that are resources of their own: use aws.vpc.SecurityGroupIngressRule",
            },
          ]
        : [],
  },
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": securityGroupRule(),
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": securityGroupRule(),
  "aws:ec2/networkAcl:NetworkAcl": { required: ["vpcId"], id: ec2Id("acl"), outputs: ec2Arn("network-acl") },
  "aws:ec2/networkAclRule:NetworkAclRule": {
    required: ["networkAclId", "protocol", "ruleAction", "ruleNumber"],
    id: (draft) => `nacl-${Number.parseInt(ownHex(draft, 8), 16)}`,
    once: { inputs: ["networkAclId", "ruleNumber", "egress"], taken: "NetworkAclEntryAlreadyExists" },
  },
  "aws:ec2/networkAclAssociation:NetworkAclAssociation": {
    required: ["networkAclId", "subnetId"],
    id: ec2Id("aclassoc"),
  },
  "aws:ec2/vpcEndpoint:VpcEndpoint": {
    required: ["vpcId"],
    defaults: { vpcEndpointType: "Gateway", privateDnsEnabled: false, requesterManaged: false },
    id: ec2Id("vpce"),
    outputs: (record, context) => ({
      ...ec2Arn("vpc-endpoint")(record, context),
      state: "available",
      prefixListId: derivedId(record, "pl"),
      dnsEntries: [],
      networkInterfaceIds: [],
    }),
  },
  "aws:ec2/flowLog:FlowLog": { id: ec2Id("fl"), outputs: ec2Arn("vpc-flow-log") },
};

function securityGroupRule(): ResourceType {
  const sources = ["cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"];
  return {
    required: ["securityGroupId", "ipProtocol"],
    id: ec2Id("sgr"),
    once: {
      inputs: ["securityGroupId", "ipProtocol", "fromPort", "toPort", ...sources],
      taken: "InvalidPermission.Duplicate",
    },
    outputs: (record, context) => ({
      arn: arn(regionOf(record, context), "ec2", `security-group-rule/${record.id}`),
      securityGroupRuleId: record.id,
    }),
    check: (inputs) => {
      const given = sources.filter((source) => inputs[source] !== undefined);
      return given.length === 1
        ? []
        : [{ property: given[1] ?? "cidrIpv4", reason: `exactly one of ${sources.join(", ")} must be given` }];
    },
  };
}
