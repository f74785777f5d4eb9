import { z } from "zod";
import { phases } from "./phases/index.ts";

/** Smallest mask a WAF IP set takes is /1; a network ACL takes 20 rules a direction by default, two of which are its own. */
const maxBlockedWithNlb = 18;

/** One configuration key: how its text is read, what it may be, and a command that makes it right. */
interface Setting<Schema extends z.ZodType = z.ZodType> {
  readonly schema: Schema;
  readonly allowed: string;
  /** What to give `pulumi config set` for example. */
  readonly example: string;
}

function setting<Schema extends z.ZodType>(schema: Schema, allowed: string, example: string): Setting<Schema> {
  return { schema, allowed, example };
}

const whole = (least: number, most: number) =>
  z.string().regex(/^\d+$/).transform(Number).pipe(z.number().min(least).max(most));

/** Pulumi keeps lists as JSON text. */
const listOf = (item: z.ZodString) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue("not a list");
        return z.NEVER;
      }
    })
    .pipe(z.array(item));

const hostname = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const everyPhase = phases.map((phase) => `${phase.number} (${phase.title})`).join(", ");

/** Every key of namespace `chirp`; anything else is a mistake worth naming. Defaults are what `.default` says. */
const settings = {
  phase: setting(whole(1, phases.length).default(1), everyPhase, "phase 1"),
  edge: setting(z.enum(["alb", "nlb"]).default("alb"), "alb, nlb", "edge alb"),
  blockedIps: setting(
    listOf(z.string()).default([]),
    "a list of IPv4 ranges such as 203.0.113.0/24",
    '--path "blockedIps[0]" 203.0.113.0/24',
  ),
  domainName: setting(z.string().regex(hostname).optional(), "a lower-case host name", "domainName chirp.example.com"),
  hostedZoneId: setting(
    z
      .string()
      .regex(/^[A-Z0-9]{1,32}$/)
      .optional(),
    "the id of the Route 53 zone that holds domainName",
    "hostedZoneId Z0123456789ABC",
  ),
  certificateArn: setting(
    z
      .string()
      .regex(/^arn:aws:acm:[a-z0-9-]+:\d{12}:certificate\/[0-9a-f-]+$/)
      .optional(),
    "the ARN of an ACM certificate",
    "certificateArn arn:aws:acm:REGION:ACCOUNT:certificate/ID",
  ),
  ami: setting(
    z
      .string()
      .regex(/^ami-[0-9a-f]{8,17}$/)
      .optional(),
    "the id of an Amazon Linux 2023 image",
    "ami ami-0123456789abcdef0",
  ),
  serverInstanceType: setting(
    z
      .string()
      .regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/)
      .default("t4g.small"),
    "an EC2 instance type",
    "serverInstanceType t4g.small",
  ),
  minServers: setting(whole(2, 100).default(2), "2 to 100", "minServers 2"),
  maxServers: setting(whole(2, 100).default(6), "2 to 100", "maxServers 6"),
  databaseClass: setting(
    z
      .string()
      .regex(/^db\.[a-z0-9]+\.[a-z0-9]+$/)
      .default("db.t4g.micro"),
    "an RDS instance class",
    "databaseClass db.t4g.micro",
  ),
  databaseStorage: setting(whole(20, 16384).default(20), "20 to 16384 (GB)", "databaseStorage 20"),
  zones: setting(
    listOf(z.string()).optional(),
    "a list of 2 to 4 availability zones of the stack's region",
    '--path "zones[0]" us-east-1a',
  ),
  recordTtl: setting(whole(1, 300).default(60), "1 to 300 (seconds)", "recordTtl 60"),
  rateLimit: setting(whole(10, 2_000_000_000).default(100_000), "10 to 2000000000", "rateLimit 100000"),
  pictureMegabytes: setting(whole(1, 20).default(5), "1 to 20 (MB)", "pictureMegabytes 5"),
  migration: setting(
    z.enum(["snapshot", "dual-write", "bulk"]).default("snapshot"),
    "snapshot, dual-write, bulk",
    "migration snapshot",
  ),
  warmThroughput: setting(
    whole(4000, 1_000_000).optional(),
    "4000 to 1000000 (units of write per second)",
    "warmThroughput 20000",
  ),
  fanoutThreshold: setting(whole(1, 1_000_000).default(5000), "1 to 1000000 (followers)", "fanoutThreshold 5000"),
  teardown: setting(
    z
      .enum(["true", "false"])
      .default("false")
      .transform((text) => text === "true"),
    "true, false",
    "teardown false",
  ),
} as const;

type Settings = { [Key in keyof typeof settings]: z.output<(typeof settings)[Key]["schema"]> };

/** The stack's configuration, checked as a whole. Pulumi.dev.yaml explains each key. */
export interface Config extends Settings {
  /** Region that everything is in. */
  readonly region: string;
  /** Processor architecture of `serverInstanceType`. */
  readonly architecture: "arm64" | "x86_64";
}

/** Something wrong with the configuration. */
interface Problem {
  readonly key: string;
  readonly value: string | undefined;
  readonly wrong: string;
  readonly fix: string;
}

/**
 * Reads and checks every key at once.
 * @param all every configuration value of the stack, by full key, as Pulumi keeps them (text)
 * @param environment where the region is looked for when `aws:region` isn't set
 * @throws Error that lists everything wrong
 */
export function readConfig(
  all: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Config {
  const problems: Problem[] = unknownKeys(all);
  const values: Record<string, unknown> = {};
  for (const [name, { schema, allowed, example }] of Object.entries(settings) as [string, Setting][]) {
    const key = `chirp:${name}`;
    const parsed = schema.safeParse(all[key]);
    if (parsed.success) values[name] = parsed.data;
    else problems.push({ key, value: all[key], wrong: `allowed: ${allowed}`, fix: `pulumi config set ${example}` });
  }
  const region = all["aws:region"] ?? environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION;
  if (region === undefined || !/^[a-z]{2}(-[a-z]+)+-\d$/.test(region))
    problems.push({
      key: "aws:region",
      value: region,
      wrong: "allowed: an AWS region",
      fix: "pulumi config set aws:region us-east-1",
    });
  problems.push(...crossChecks(values as Partial<Settings>, all, region));
  if (problems.length > 0) throw new Error(describe(problems));
  const config = values as Settings;
  return { ...config, region: region as string, architecture: architectureOf(config.serverInstanceType) };
}

/** Graviton families have a g after the generation: t4g, m7gd, c8gn; a1 came before that rule. */
export function architectureOf(instanceType: string): "arm64" | "x86_64" {
  return /^([a-z]+\d+g[a-z]*|a1)\./.test(instanceType) ? "arm64" : "x86_64";
}

function unknownKeys(all: Readonly<Record<string, string>>): Problem[] {
  const known = Object.keys(settings);
  return Object.keys(all)
    .filter((key) => key.startsWith("chirp:") && !known.includes(key.slice("chirp:".length)))
    .map((key) => {
      const near = nearest(key.slice("chirp:".length), known);
      return {
        key,
        value: all[key],
        wrong: near === undefined ? `no such key; there are ${known.join(", ")}` : `no such key; did you mean ${near}?`,
        fix: `pulumi config rm ${key.slice("chirp:".length)}`,
      };
    });
}

/** What no key can know alone. Looks only at what was readable, so that one mistake isn't reported twice. */
function crossChecks(
  values: Partial<Settings>,
  all: Readonly<Record<string, string>>,
  region: string | undefined,
): Problem[] {
  const problems: Problem[] = [];
  const wrong = (name: keyof Settings, text: string, fix: string) =>
    problems.push({ key: `chirp:${name}`, value: all[`chirp:${name}`], wrong: text, fix });
  const given = (name: keyof Settings) => all[`chirp:${name}`] !== undefined;
  const { blockedIps = [], zones, certificateArn, minServers, maxServers } = values;

  for (const range of blockedIps) {
    const trouble = rangeTrouble(range);
    if (trouble !== undefined) wrong("blockedIps", `${range} ${trouble.wrong}`, trouble.fix);
  }
  for (const range of blockedIps.filter((entry, index) => blockedIps.indexOf(entry) !== index))
    wrong("blockedIps", `${range} is there twice`, "remove one of the two");
  if (values.edge === "nlb" && blockedIps.length > maxBlockedWithNlb)
    wrong(
      "blockedIps",
      `${blockedIps.length} ranges; with edge nlb at most ${maxBlockedWithNlb} fit a network ACL's default quota`,
      "merge ranges, or use edge alb, whose IP set takes thousands",
    );
  if (given("domainName") && !given("hostedZoneId"))
    wrong("domainName", "needs hostedZoneId, the zone its record goes into", "pulumi config set hostedZoneId ZONE");
  if (given("hostedZoneId") && !given("domainName"))
    wrong("hostedZoneId", "does nothing without domainName", "pulumi config set domainName NAME");
  if (given("certificateArn") && !given("domainName"))
    wrong("certificateArn", "needs domainName, the name it is for", "pulumi config set domainName NAME");
  if (certificateArn !== undefined && region !== undefined && certificateArn.split(":")[3] !== region)
    wrong("certificateArn", `must be in the stack's region, ${region}`, `request it in ${region} and set its ARN`);
  if (minServers !== undefined && maxServers !== undefined && minServers > maxServers)
    wrong("minServers", `is more than maxServers, ${maxServers}`, `pulumi config set maxServers ${minServers}`);
  if (zones !== undefined) {
    if (zones.length < 2 || zones.length > 4)
      wrong("zones", `${zones.length} given; allowed: 2 to 4`, 'pulumi config set --path "zones[1]" ZONE');
    if (new Set(zones).size < zones.length) wrong("zones", "the same zone twice", "name each zone once");
    for (const zone of zones)
      if (region !== undefined && !(zone.startsWith(region) && /^[a-z]$/.test(zone.slice(region.length))))
        wrong("zones", `${zone} is not a zone of ${region}`, `use zones such as ${region}a`);
  }
  return problems;
}

/** What is wrong with an IPv4 range, if anything. AWS stores the network's first address, so another would never settle. */
function rangeTrouble(range: string): { wrong: string; fix: string } | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(range);
  const octets = match?.slice(1, 5).map(Number);
  if (octets === undefined || octets.some((octet) => octet > 255)) {
    const wrong = range.includes(":") ? "is IPv6, which this network doesn't have" : "is not an IPv4 range";
    return { wrong, fix: "write it as 203.0.113.0/24, or remove it" };
  }
  if (match?.[5] === undefined) return { wrong: "has no mask", fix: `for that one address write ${range}/32` };
  const mask = Number(match[5]);
  if (mask < 1 || mask > 32) return { wrong: "has a mask that is not 1 to 32", fix: `for one address write /32` };
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  const first = address - (address % 2 ** (32 - mask));
  if (first === address) return undefined;
  const text = [24, 16, 8, 0].map((bits) => Math.floor(first / 2 ** bits) % 256).join(".");
  return { wrong: "is not the first address of its network", fix: `write ${text}/${mask}` };
}

function describe(problems: readonly Problem[]): string {
  const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
  const lines = problems.map(({ key, value, wrong, fix }) => {
    const found = value === undefined ? "not set" : JSON.stringify(value);
    return `  - ${key} (${found}): ${wrong}. Fix: ${fix}`;
  });
  return [`The stack's configuration has ${count}; nothing was changed:`, ...lines].join("\n");
}

/** The key that a mistyped one most likely meant: at most a third of its letters away. */
function nearest(typed: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ name, distance: editDistance(typed.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, best.name.length / 3) ? best.name : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries())
      next.push(Math.min((next[j] ?? 0) + 1, (row[j + 1] ?? 0) + 1, (row[j] ?? 0) + (letter === other ? 0 : 1)));
    row = next;
  }
  return row[b.length] ?? 0;
}
