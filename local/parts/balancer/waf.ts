import type { IncomingHttpHeaders } from "node:http";
import type { Properties, ResourceRecord } from "../../aws/record.ts";
import type { Failure, Part } from "../../aws/resource-type.ts";
import type { LocalAws } from "../../local-aws.ts";
import { isWithin } from "./firewall.ts";

/** WAF counts in slices, and looks at the last of them that make up the window. */
const slice = 10_000;

/** Statements that are evaluated here. Amazon's own rule groups exist on AWS only: they match nothing. */
const evaluated = [
  "ipSetReferenceStatement",
  "rateBasedStatement",
  "notStatement",
  "andStatement",
  "orStatement",
  "managedRuleGroupStatement",
  "byteMatchStatement",
];

/** A request, as far as rules look at it. */
export interface Visit {
  readonly address: string;
  readonly headers: IncomingHttpHeaders;
}

/** Web ACLs: blocked addresses and request rates. */
export class Waf {
  readonly #aws: LocalAws;
  /** Requests by rule, address and slice of time. */
  readonly #counts = new Map<string, Map<number, number>>();

  constructor(aws: LocalAws) {
    this.#aws = aws;
  }

  /** Whether the web ACL of a load balancer lets a request from an address through. */
  admits(balancer: string, visit: Visit): boolean {
    const association = this.#aws.registry
      .ofType("aws:wafv2/webAclAssociation:WebAclAssociation")
      .find(({ inputs }) => inputs.resourceArn === balancer);
    return this.admitsBy(association?.inputs.webAclArn, visit);
  }

  /** Whether a web ACL lets a request through; no ACL lets everything through. */
  admitsBy(aclArn: unknown, visit: Visit): boolean {
    const acl = this.#aws.registry
      .ofType("aws:wafv2/webAcl:WebAcl")
      .find(({ id }) => typeof aclArn === "string" && aclArn.endsWith(`/${id}`));
    if (!acl) return true;
    const rules = ((acl.inputs.rules ?? []) as Properties[]).toSorted(
      (a, b) => Number(a.priority) - Number(b.priority),
    );
    for (const rule of rules) {
      if (!this.#matches(acl, rule, rule.statement as Properties, visit)) continue;
      const action = (rule.action ?? {}) as Properties;
      if (action.block) return false;
      if (action.allow) return true;
    }
    return (acl.inputs.defaultAction as Properties).block === undefined;
  }

  #matches(acl: ResourceRecord, rule: Properties, statement: Properties, visit: Visit): boolean {
    const { address } = visit;
    const inner = (nested: unknown) => this.#matches(acl, rule, nested as Properties, visit);
    const of = (name: string) => (statement[name] as Properties | undefined)?.statements as Properties[] | undefined;
    if (statement.ipSetReferenceStatement)
      return this.#isInSet(statement.ipSetReferenceStatement as Properties, address);
    if (statement.byteMatchStatement) return carries(statement.byteMatchStatement as Properties, visit);
    if (statement.notStatement) return !inner((statement.notStatement as Properties).statement);
    if (statement.andStatement) return of("andStatement")?.every(inner) ?? false;
    if (statement.orStatement) return of("orStatement")?.some(inner) ?? false;
    if (!statement.rateBasedStatement) return false;
    const rate = statement.rateBasedStatement as Properties;
    if (rate.scopeDownStatement && !inner(rate.scopeDownStatement)) return false;
    return (
      this.#count(`${acl.id} ${rule.name} ${address}`, Number(rate.evaluationWindowSec ?? 300)) > Number(rate.limit)
    );
  }

  #isInSet({ arn }: Properties, address: string): boolean {
    const sets = this.#aws.registry.ofType("aws:wafv2/ipSet:IpSet");
    const set = sets.find(({ id }) => String(arn).endsWith(`/${id}`));
    return ((set?.inputs.addresses ?? []) as string[]).some((range) => isWithin(address, range));
  }

  /** Counts this request in and returns how many there were in the window, in seconds. */
  #count(key: string, window: number): number {
    const now = Math.floor(Date.now() / slice);
    const slices = this.#counts.get(key) ?? new Map<number, number>();
    this.#counts.set(key, slices.set(now, (slices.get(now) ?? 0) + 1));
    for (const old of slices.keys()) if (old <= now - (window * 1000) / slice) slices.delete(old);
    return [...slices.values()].reduce((sum, count) => sum + count, 0);
  }
}

/** Whether a header has exactly the value that is looked for. */
function carries({ fieldToMatch, searchString }: Properties, { headers }: Visit): boolean {
  const { name } = ((fieldToMatch as Properties).singleHeader ?? {}) as { name?: string };
  return name !== undefined && headers[name.toLowerCase()] === searchString;
}

/** Statements of a web ACL that would be without effect here. */
export function unservedStatements({ rules }: Properties): Failure[] {
  return ((rules ?? []) as Properties[]).flatMap((rule) =>
    Object.keys((rule.statement ?? {}) as Properties)
      .filter((statement) => !evaluated.includes(statement))
      .map((statement) => ({
        property: "rules",
        reason: `rule ${String(rule.name)}: the local AWS does not evaluate a ${statement}; add it to local/parts/balancer/waf.ts`,
      })),
  );
}

/**
 * A load balancer has at most one web ACL. So deleting an association takes away whatever the load balancer has, also
 * the web ACL of a newer association (pulumi-aws#4782).
 */
export const webAclAssociation: Part = {
  delete: (record, aws) => {
    for (const other of aws.registry.ofType(record.type)) {
      if (other === record || other.inputs.resourceArn !== record.inputs.resourceArn) continue;
      aws.warn(
        `${other.urn} has lost its web ACL: an older association of the same load balancer was deleted`,
        other.urn,
      );
      aws.registry.remove(other);
    }
  },
};
