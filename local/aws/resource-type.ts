import { createHash } from "node:crypto";
import type { LocalAws } from "../local-aws.ts";
import type { Context } from "./context.ts";
import type { Properties, ResourceRecord } from "./record.ts";

/** Why an input cannot be. */
export interface Failure {
  readonly property: string;
  readonly reason: string;
}

/** How a resource gets its physical name, and what AWS says when the name is taken. */
export interface Naming {
  /** Input that holds the name. */
  readonly property: string;
  /** Input that holds the start of a name to be made up. */
  readonly prefix?: string;
  /** Most characters AWS takes. */
  readonly maxLength?: number;
  /** AWS's error code for a name that is taken. */
  readonly taken: string;
  /** Inputs within whose values the name has to be unique. @default the whole account */
  readonly within?: readonly string[];
}

/** A resource that is about to be made. */
export interface Draft {
  readonly urn: string;
  readonly name: string;
  readonly generation: number;
  readonly inputs: Properties;
}

/** What a type does beyond being remembered. Every method can be repeated after an interruption. */
export interface Part {
  /** Makes the real thing. The record is on disk already; a failure removes it again, unless it is `NotSettled`. */
  create?(record: ResourceRecord, aws: LocalAws): Promise<void> | void;
  /** Refuses what AWS would refuse. Called before the record changes. */
  verify?(record: ResourceRecord, inputs: Properties, aws: LocalAws): void;
  /** Makes the real thing as the record now is. */
  update?(record: ResourceRecord, before: Properties, aws: LocalAws): Promise<void> | void;
  /** Removes the real thing, or refuses to. The record is removed after it. */
  delete?(record: ResourceRecord, aws: LocalAws): Promise<void> | void;
  /** Whether the real thing is still there. @default true */
  exists?(record: ResourceRecord, aws: LocalAws): boolean;
}

/** What is known of a resource type. */
export interface ResourceType {
  /** Inputs that must be given. */
  readonly required?: readonly string[];
  readonly naming?: Naming;
  id(draft: Draft, context: Context): string;
  /** What AWS fills in for inputs that are not given. */
  readonly defaults?: Properties;
  /** Outputs beyond the inputs; they win over inputs of the same name. */
  outputs?(record: ResourceRecord, context: Context): Properties;
  /** Outputs that a preview cannot know when these inputs change. */
  renews?(changed: readonly string[]): readonly string[];
  /** Inputs whose effect a real part would have to have and does not: giving one of them is refused. */
  readonly unserved?: readonly string[];
  /** What is wrong with inputs, beyond what is missing. Unknown values are not among them. */
  check?(inputs: Properties): Failure[];
  /** Changed inputs that replace the resource under a condition only. */
  replaces?(before: Properties, after: Properties): readonly string[];
  /** Changed inputs that do not replace the resource under a condition, although they do otherwise. */
  keeps?(before: Properties, after: Properties): readonly string[];
  /** Combination of inputs that AWS allows once; the error code when it is there already. */
  readonly once?: {
    readonly inputs: readonly string[];
    readonly taken: string;
    /** Input that says to take over what is there already. */
    readonly unless?: string;
  };
  /** AWS's error code when something that still uses this resource forbids its deletion. */
  readonly inUse?: string;
  readonly part?: Part;
}

export const account = "123456789012";

/** Hexadecimal digits that a seed always gives. */
export function hex(seed: string, length: number): string {
  return createHash("sha256").update(seed).digest("hex").slice(0, length);
}

function seed({ urn, generation }: { urn: string; generation: number }): string {
  return `${urn}#${generation}`;
}

/** Digits of a record's own. */
export function ownHex(draft: { urn: string; generation: number }, length: number): string {
  return hex(seed(draft), length);
}

/** Ids like EC2's: `vpc-0` and 16 digits. */
export function ec2Id(prefix: string): (draft: Draft) => string {
  return (draft) => `${prefix}-0${ownHex(draft, 16)}`;
}

/** The id is the value of an input. */
export function inputId(...properties: readonly string[]): (draft: Draft) => string {
  return ({ inputs }) => properties.map((property) => String(inputs[property])).join("/");
}

/** An ARN. Global services leave out the region, S3 the account as well. */
export function arn(
  { region }: { region: string },
  service: string,
  resource: string,
  scope: "region" | "global" | "none" = "region",
): string {
  return `arn:aws:${service}:${scope === "region" ? region : ""}:${scope === "none" ? "" : account}:${resource}`;
}

/** The region a record lives in. */
export function regionOf(record: { inputs: Properties }, context: Context): { region: string } {
  return { region: typeof record.inputs.region === "string" ? record.inputs.region : context.region };
}
