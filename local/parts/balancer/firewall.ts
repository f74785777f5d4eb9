import { BlockList } from "node:net";
import type { Properties } from "../../aws/record.ts";
import type { Registry } from "../../aws/registry.ts";

/** Where traffic comes from: an address, or machines in security groups. */
export type Source = { readonly address: string } | { readonly groups: readonly string[] };

/** Security groups and network ACLs, evaluated over the rules as they are recorded. */
export class Firewall {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Whether machines in `groups` accept TCP connections on a port. */
  admits(groups: readonly string[], source: Source, port: number): boolean {
    return this.#rules("Ingress", groups).some((rule) => covers(rule, port) && comesFrom(rule, source));
  }

  /** Whether machines in `groups` may connect to a port of machines in other groups. */
  letsOut(groups: readonly string[], target: Source, port: number): boolean {
    return this.#rules("Egress", groups).some((rule) => covers(rule, port) && comesFrom(rule, target));
  }

  /** Whether the subnet's network ACL lets an address reach a port. Without one, AWS's default lets everything in. */
  passesAcl(subnetId: unknown, address: string, port: number): boolean {
    const association = this.#registry
      .ofType("aws:ec2/networkAclAssociation:NetworkAclAssociation")
      .find(({ inputs }) => inputs.subnetId === subnetId);
    const acls = this.#registry.ofType("aws:ec2/networkAcl:NetworkAcl");
    const acl = acls.find(
      ({ id, inputs }) =>
        id === association?.inputs.networkAclId || (inputs.subnetIds as unknown[] | undefined)?.includes(subnetId),
    );
    if (!acl) return true;
    const inside = ((acl.inputs.ingress ?? []) as Properties[]).map((rule) => ({
      ...rule,
      ruleNumber: rule.ruleNo,
      ruleAction: rule.action,
    }));
    const apart = this.#registry
      .ofType("aws:ec2/networkAclRule:NetworkAclRule")
      .filter(({ inputs }) => inputs.networkAclId === acl.id && inputs.egress !== true);
    const rules: Properties[] = [...inside, ...apart.map(({ inputs }) => inputs)];
    const first = rules
      .sort((a, b) => Number(a.ruleNumber) - Number(b.ruleNumber))
      .find((rule) => covers({ ...rule, ipProtocol: rule.protocol }, port) && isWithin(address, rule.cidrBlock));
    return first?.ruleAction === "allow";
  }

  #rules(direction: "Ingress" | "Egress", groups: readonly string[]): Properties[] {
    return this.#registry
      .ofType(`aws:vpc/securityGroup${direction}Rule:SecurityGroup${direction}Rule`)
      .map(({ inputs }) => inputs)
      .filter((rule) => groups.includes(String(rule.securityGroupId)));
  }
}

function covers({ ipProtocol, fromPort, toPort }: Properties, port: number): boolean {
  if (ipProtocol === "-1" || ipProtocol === -1) return true;
  return (ipProtocol === "tcp" || ipProtocol === "6") && Number(fromPort) <= port && port <= Number(toPort);
}

function comesFrom(rule: Properties, source: Source): boolean {
  return "groups" in source
    ? source.groups.includes(String(rule.referencedSecurityGroupId))
    : isWithin(source.address, rule.cidrIpv4);
}

const ranges = new Map<string, BlockList>();

/** Whether an address lies in a CIDR range. Asked for every request, so ranges are parsed once. */
export function isWithin(address: string, range: unknown): boolean {
  if (typeof range !== "string") return false;
  const list = ranges.get(range) ?? parseRange(range);
  ranges.set(range, list);
  return list.check(address, address.includes(":") ? "ipv6" : "ipv4");
}

function parseRange(range: string): BlockList {
  const [base = "", bits = "32"] = range.split("/");
  const list = new BlockList();
  list.addSubnet(base, Number(bits), base.includes(":") ? "ipv6" : "ipv4");
  return list;
}
