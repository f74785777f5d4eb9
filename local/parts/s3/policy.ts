import { AwsError } from "../../aws/errors.ts";
import { DetailedError } from "./answers.ts";

/** A form's fields by their names in lower case; S3 doesn't tell cases apart. */
export type FormFields = ReadonlyMap<string, string>;

/** What whoever signed a form allows to be uploaded with it. */
export interface Policy {
  /** Milliseconds since 1970. */
  readonly expiration: number;
  readonly conditions: readonly Condition[];
  /** Bytes of the file, both inclusive. */
  readonly sizes: { readonly least: number; readonly most: number };
}

interface Condition {
  readonly operator: "eq" | "starts-with";
  /** In lower case. */
  readonly field: string;
  readonly value: string;
  /** As S3 quotes it. */
  readonly text: string;
}

/** Fields that need no condition: the signature covers or makes them, or nobody reads them. */
const isFree = (field: string) =>
  field === "policy" || field === "x-amz-signature" || field === "file" || field.startsWith("x-ignore-");

/**
 * @param encoded the policy as the form has it, base64 of JSON
 * @throws AwsError `InvalidPolicyDocument` for one that S3 can't read
 */
export function parsePolicy(encoded: string): Policy {
  const { expiration, conditions } = parsed(encoded);
  if (expiration === undefined) throw invalid("Policy missing expiration.");
  if (!Array.isArray(conditions)) throw invalid("Policy missing conditions.");
  const ranges = conditions.filter(isRange).map(rangeOf);
  return {
    expiration: timeOf(expiration),
    conditions: conditions.filter((condition) => !isRange(condition)).map(conditionOf),
    sizes: {
      least: Math.max(0, ...ranges.map(({ least }) => least)),
      most: Math.min(Infinity, ...ranges.map(({ most }) => most)),
    },
  };
}

/**
 * Everything that the policy says but the file's size.
 *
 * @param fields the form's, with the bucket among them and the key as the object will have it
 * @throws AwsError `AccessDenied` that names what does not hold
 */
export function checkPolicy(policy: Policy, fields: FormFields, now = Date.now()): void {
  if (now >= policy.expiration) throw denied("Policy expired.");
  const failed = policy.conditions.find((condition) => !holds(condition, fields));
  if (failed) throw denied(`Policy Condition failed: ${failed.text}`);
  const covered = new Set(policy.conditions.map(({ field }) => field));
  const extra = [...fields.keys()].filter((field) => !isFree(field) && !covered.has(field));
  if (extra.length > 0) throw denied(`Extra input fields: ${extra.join(", ")}`);
}

/** @throws AwsError for a file that is smaller or larger than the policy allows */
export function checkSize({ sizes: { least, most } }: Policy, size: number): void {
  if (size > most)
    throw new DetailedError("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", {
      ProposedSize: size,
      MaxSizeAllowed: most,
    });
  if (size < least)
    throw new DetailedError("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", {
      ProposedSize: size,
      MinSizeAllowed: least,
    });
}

/** A field that isn't there meets no condition, not even the one that it starts with nothing. */
function holds({ operator, field, value }: Condition, fields: FormFields): boolean {
  const given = fields.get(field);
  if (given === undefined) return false;
  if (operator === "eq") return given === value;
  // Only here is a content type a list, of which each must match.
  const each = field === "content-type" ? given.split(",").map((type) => type.trim()) : [given];
  return each.every((one) => one.startsWith(value));
}

function parsed(encoded: string): { expiration?: unknown; conditions?: unknown } {
  try {
    const policy: unknown = JSON.parse(Buffer.from(encoded, "base64").toString());
    if (typeof policy === "object" && policy !== null && !Array.isArray(policy)) return policy;
  } catch {
    // Not JSON, and so refused like JSON that is no object.
  }
  throw invalid("Invalid JSON.");
}

function timeOf(expiration: unknown): number {
  const text = String(expiration);
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) throw invalid(`Invalid 'expiration' value: '${text}'`);
  return time;
}

function operatorOf(condition: unknown): string | undefined {
  return Array.isArray(condition) ? String(condition[0]).toLowerCase() : undefined;
}

const isRange = (condition: unknown) => operatorOf(condition) === "content-length-range";

function rangeOf(condition: unknown): Policy["sizes"] {
  const [, least, most, ...more] = condition as unknown[];
  const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
  if (!isSize(least) || !isSize(most) || more.length > 0)
    throw invalid("Invalid content-length-range: it takes the least and the greatest size in bytes.");
  return { least, most };
}

function conditionOf(condition: unknown): Condition {
  if (typeof condition !== "object" || condition === null) throw invalid("A condition must be a list or an object.");
  if (!Array.isArray(condition)) {
    const [property, ...more] = Object.entries(condition) as [string, unknown][];
    if (!property || more.length > 0)
      throw invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.");
    const [field, value] = property;
    if (typeof value !== "string") throw invalid("Invalid Simple-Condition: value must be a string.");
    return made("eq", field, value);
  }
  const operator = operatorOf(condition);
  const [, field, value, ...more] = condition as unknown[];
  if (operator !== "eq" && operator !== "starts-with") throw invalid(`Invalid condition operator: ${operator}`);
  if (typeof field !== "string" || !field.startsWith("$") || typeof value !== "string" || more.length > 0)
    throw invalid(`Invalid condition: ${operator} takes a field, as in $key, and a text.`);
  return made(operator, field.slice(1), value);
}

function made(operator: Condition["operator"], field: string, value: string): Condition {
  const text = `[${[operator, `$${field}`, value].map((part) => JSON.stringify(part)).join(", ")}]`;
  return { operator, field: field.toLowerCase(), value, text };
}

function denied(reason: string): AwsError {
  return new AwsError("AccessDenied", `Invalid according to Policy: ${reason}`);
}

function invalid(reason: string): AwsError {
  return new AwsError("InvalidPolicyDocument", `Invalid Policy: ${reason}`);
}
