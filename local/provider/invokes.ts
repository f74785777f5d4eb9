import type { Properties } from "../aws/record.ts";
import { hex } from "../aws/resource-type.ts";
import { randomPassword as makePassword } from "../endpoint/json-services.ts";
import type { LocalAws } from "../local-aws.ts";

type Invoke = (args: Properties, aws: LocalAws) => Properties;

const invokes: Record<string, Invoke> = {
  "aws:index/getCallerIdentity:getCallerIdentity": (_, { account }) => ({
    id: account,
    accountId: account,
    arn: `arn:aws:iam::${account}:user/local`,
    userId: "AIDALOCAL",
  }),
  "aws:index/getRegion:getRegion": ({ region, name }, aws) => {
    const id = region ?? name ?? aws.region;
    return { id, name: id, region: id, description: `${id}, on this machine`, endpoint: `ec2.${id}.amazonaws.com` };
  },
  "aws:index/getPartition:getPartition": () => ({
    id: "aws",
    partition: "aws",
    dnsSuffix: "amazonaws.com",
    reverseDnsPrefix: "com.amazonaws",
  }),
  "aws:index/getAvailabilityZones:getAvailabilityZones": (args, { region }) => {
    const names = ["a", "b", "c"].map((letter) => `${region}${letter}`);
    return {
      ...args,
      id: region,
      names,
      zoneIds: names.map((_, index) => `use1-az${index + 1}`),
      groupNames: [region],
    };
  },
  "aws:ssm/getParametersByPath:getParametersByPath": (args, { registry, account, region }) => {
    const folder = `${String(args.path).replace(/\/$/, "")}/`;
    const found = registry
      .ofType("aws:ssm/parameter:Parameter")
      .map(({ inputs }) => ({ ...inputs, name: String(inputs.name) }) as Properties & { name: string })
      .filter(({ name }) => name.startsWith(folder))
      .filter(({ name }) => args.recursive === true || !name.slice(folder.length).includes("/"));
    return {
      ...args,
      id: args.path,
      names: found.map(({ name }) => name),
      types: found.map(({ type }) => type),
      values: found.map(({ value, insecureValue }) => value ?? insecureValue),
      arns: found.map(({ name }) => `arn:aws:ssm:${region}:${account}:parameter${name}`),
    };
  },
  "aws:ssm/getParameter:getParameter": (args, { registry, account, region }) => {
    const name = String(args.name);
    const record = registry.ofType("aws:ssm/parameter:Parameter").find(({ inputs }) => inputs.name === name);
    const value = record?.inputs.value ?? record?.inputs.insecureValue ?? publicParameter(name);
    if (value === undefined)
      throw new Error(`reading SSM Parameter (${name}): ParameterNotFound: no resource of the stack made it`);
    return {
      ...args,
      id: name,
      arn: `arn:aws:ssm:${region}:${account}:parameter${name}`,
      type: record?.inputs.type ?? "String",
      value,
      insecureValue: value,
      version: 1,
    };
  },
  "aws:ec2/getManagedPrefixList:getManagedPrefixList": (args, { account, region }) => {
    const id = args.id ?? `pl-${hex(String(args.name), 8)}`;
    const arn = `arn:aws:ec2:${region}:aws:prefix-list/${String(id)}`;
    return {
      ...args,
      id,
      arn,
      addressFamily: "IPv4",
      entries: [],
      maxEntries: 55,
      ownerId: account,
      version: 1,
      tags: {},
    };
  },
  "aws:route53/getZone:getZone": (args) => ({
    ...args,
    id: args.zoneId ?? "Z0LOCAL",
    zoneId: args.zoneId ?? "Z0LOCAL",
    name: args.name ?? "localhost",
    nameServers: [],
  }),
  "aws:secretsmanager/getRandomPassword:getRandomPassword": ({ passwordLength, excludePunctuation, ...args }) => {
    const randomPassword = makePassword({ PasswordLength: passwordLength, ExcludePunctuation: excludePunctuation });
    return { ...args, passwordLength, excludePunctuation, randomPassword, id: "random" };
  },
  "aws:iam/getPolicyDocument:getPolicyDocument": (args) => {
    const document = JSON.stringify(policyDocument(args), undefined, 2);
    return { ...args, id: hex(document, 10), json: document, minifiedJson: JSON.stringify(policyDocument(args)) };
  },
};

/** Parameters that AWS publishes: the images of Amazon Linux. */
function publicParameter(name: string): string | undefined {
  return name.startsWith("/aws/service/ami-") ? `ami-0${hex(name, 16)}` : undefined;
}

interface Statement {
  sid?: string;
  effect?: string;
  actions?: string[];
  notActions?: string[];
  resources?: string[];
  principals?: { type: string; identifiers: string[] }[];
  conditions?: { test: string; variable: string; values: string[] }[];
}

function policyDocument({ statements, version }: Properties): Properties {
  const single = (values: string[] | undefined) => (values?.length === 1 ? values[0] : values);
  return {
    Version: version ?? "2012-10-17",
    Statement: ((statements ?? []) as Statement[]).map(
      ({ sid, effect = "Allow", actions, notActions, resources, principals, conditions }) => ({
        Sid: sid,
        Effect: effect,
        Action: single(actions),
        NotAction: single(notActions),
        Resource: single(resources),
        Principal:
          principals &&
          Object.fromEntries(principals.map(({ type, identifiers }) => [type, single(identifiers) ?? []] as const)),
        Condition:
          conditions &&
          Object.fromEntries(conditions.map(({ test, variable, values }) => [test, { [variable]: single(values) }])),
      }),
    ),
  };
}

/** Answers a function call of the program, such as `aws.getRegion()`. */
export function invoke(token: string, args: Properties, aws: LocalAws): Properties {
  const found = invokes[token];
  if (!found)
    throw new Error(`The local AWS does not know the function ${token}; add its answer to local/provider/invokes.ts`);
  return found(args, aws);
}
