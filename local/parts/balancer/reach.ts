import type { Properties, ResourceRecord } from "../../aws/record.ts";
import type { LocalAws } from "../../local-aws.ts";
import type { Target } from "./targets.ts";

/** Security groups of a server, single or in a group. */
export function groupsOfInstance(aws: LocalAws, id: string): string[] {
  const record = aws.registry.byId("aws:ec2/instance:Instance", id);
  const inputs = record?.inputs ?? aws.groups.templateOf(id) ?? {};
  const [networkInterface] = (inputs.networkInterfaces ?? []) as Properties[];
  return (inputs.vpcSecurityGroupIds ?? networkInterface?.securityGroups ?? []) as string[];
}

/** Whether a load balancer may open connections to a target: by its own rules, and by the target's. */
export function mayReach(aws: LocalAws, balancer: ResourceRecord, target: Target): boolean {
  const own = (balancer.inputs.securityGroups ?? []) as string[];
  const theirs = groupsOfInstance(aws, target.id);
  const mayLeave = own.length === 0 || aws.firewall.letsOut(own, { groups: theirs }, target.port);
  return mayLeave && aws.firewall.admits(theirs, { groups: own }, target.port);
}

/** Whether a client's address may connect to a load balancer's port. */
export function mayEnter(aws: LocalAws, balancer: ResourceRecord, address: string, port: number): boolean {
  const groups = (balancer.inputs.securityGroups ?? []) as string[];
  const [subnet] = (balancer.inputs.subnets ?? []) as string[];
  if (groups.length > 0 && !aws.firewall.admits(groups, { address }, port)) return false;
  return aws.firewall.passesAcl(subnet, address, port);
}

/** Whether a client's address may connect to a server directly, through a public address. */
export function mayConnect(aws: LocalAws, id: string, address: string, port: number): boolean {
  const subnet = aws.registry.byId("aws:ec2/instance:Instance", id)?.inputs.subnetId;
  return (
    aws.firewall.admits(groupsOfInstance(aws, id), { address }, port) && aws.firewall.passesAcl(subnet, address, port)
  );
}
