import { unknown } from "../../provider/values.ts";
import { unservedStatements } from "../../parts/balancer/waf.ts";
import { arn, inputId, ownHex, type Draft, type ResourceType } from "../resource-type.ts";

const iamNaming = (maxLength: number) => ({
  property: "name",
  prefix: "namePrefix",
  maxLength,
  taken: "EntityAlreadyExists",
});

const path = (inputs: Record<string, unknown>) => String(inputs.path ?? "/");
const uuid = (draft: { urn: string; generation: number }) =>
  ownHex(draft, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");

/** Identity, keys and web ACLs: recorded. Nothing local asks for permission. */
export const security: Record<string, ResourceType> = {
  "aws:iam/role:Role": {
    required: ["assumeRolePolicy"],
    naming: iamNaming(64),
    id: inputId("name"),
    check: (inputs) => policyFailures(inputs, "assumeRolePolicy"),
    outputs: ({ inputs, ...record }, context) => ({
      arn: arn(context, "iam", `role${path(inputs)}${inputs.name}`, "global"),
      uniqueId: `AROA${ownHex(record, 17).toUpperCase()}`,
    }),
    defaults: { path: "/", maxSessionDuration: 3600 },
  },
  "aws:iam/rolePolicy:RolePolicy": {
    required: ["role", "policy"],
    naming: { ...iamNaming(128), within: ["role"] },
    id: ({ inputs }: Draft) => `${inputs.role}:${inputs.name}`,
    check: (inputs) => policyFailures(inputs, "policy"),
  },
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": {
    required: ["role", "policyArn"],
    id: ({ inputs }: Draft) => `${inputs.role}/${inputs.policyArn}`,
  },
  "aws:iam/policy:Policy": {
    required: ["policy"],
    naming: iamNaming(128),
    id: ({ inputs }, context) => arn(context, "iam", `policy${path(inputs)}${inputs.name}`, "global"),
    check: (inputs) => policyFailures(inputs, "policy"),
    outputs: (record) => ({ arn: record.id, policyId: `ANPA${ownHex(record, 17).toUpperCase()}` }),
    defaults: { path: "/" },
  },
  "aws:iam/instanceProfile:InstanceProfile": {
    naming: iamNaming(128),
    id: inputId("name"),
    outputs: ({ inputs, ...record }, context) => ({
      arn: arn(context, "iam", `instance-profile${path(inputs)}${inputs.name}`, "global"),
      uniqueId: `AIPA${ownHex(record, 17).toUpperCase()}`,
    }),
    defaults: { path: "/" },
  },
  "aws:kms/key:Key": {
    id: uuid,
    outputs: (record, context) => ({ arn: arn(context, "kms", `key/${record.id}`), keyId: record.id }),
  },
  "aws:kms/alias:Alias": {
    required: ["targetKeyId"],
    naming: { property: "name", prefix: "namePrefix", maxLength: 256, taken: "AlreadyExistsException" },
    id: inputId("name"),
    outputs: ({ inputs }, context) => ({
      arn: arn(context, "kms", String(inputs.name)),
      targetKeyArn: arn(context, "kms", `key/${inputs.targetKeyId}`),
    }),
  },
  "aws:wafv2/ipSet:IpSet": {
    required: ["ipAddressVersion", "scope"],
    naming: {
      property: "name",
      prefix: "namePrefix",
      maxLength: 128,
      taken: "WAFDuplicateItemException",
      within: ["scope"],
    },
    id: uuid,
    inUse: "WAFAssociatedItemException",
    outputs: (record, context) => ({
      arn: arn(context, "wafv2", `${wafScope(record.inputs)}/ipset/${record.inputs.name}/${record.id}`),
      lockToken: uuid({ ...record, urn: `${record.urn}-lock` }),
    }),
  },
  "aws:wafv2/webAcl:WebAcl": {
    required: ["scope", "defaultAction", "visibilityConfig"],
    check: unservedStatements,
    naming: {
      property: "name",
      prefix: "namePrefix",
      maxLength: 128,
      taken: "WAFDuplicateItemException",
      within: ["scope"],
    },
    id: uuid,
    inUse: "WAFAssociatedItemException",
    outputs: (record, context) => ({
      arn: arn(context, "wafv2", `${wafScope(record.inputs)}/webacl/${record.inputs.name}/${record.id}`),
      capacity: 1,
      lockToken: uuid({ ...record, urn: `${record.urn}-lock` }),
    }),
  },
  "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": {
    required: ["resourceArn", "logDestinationConfigs"],
    id: inputId("resourceArn"),
  },
};

function wafScope(inputs: Record<string, unknown>): string {
  return inputs.scope === "CLOUDFRONT" ? "global" : "regional";
}

/** AWS refuses a policy that is not JSON with statements; a program's `undefined` inside one is such a policy. */
function policyFailures(inputs: Record<string, unknown>, property: string) {
  const value = inputs[property];
  if (typeof value !== "string" || value === unknown) return [];
  try {
    const policy = JSON.parse(value) as { Statement?: unknown };
    if (policy.Statement) return [];
    return [{ property, reason: "MalformedPolicyDocument: it has no Statement" }];
  } catch (error) {
    return [{ property, reason: `MalformedPolicyDocument: it is not JSON (${(error as Error).message})` }];
  }
}
