import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { type Begun, parseBegun, parseRecorded, type Recorded } from "../phases/recorded.ts";

/** What a stack has written down about itself. */
export interface StackRecords {
  /** Where it stood at the end of its last successful update; undefined for a stack that never had one. */
  readonly recorded: Recorded | undefined;
  /** What it has begun, be it that the update failed then. */
  readonly begun: Begun | undefined;
}

/** Reads what the stack wrote down. */
export async function readRecords(stack: string): Promise<StackRecords> {
  // By path: asking for a parameter by name fails when it isn't there.
  const { names, values } = await aws.ssm.getParametersByPath({ path: folderOf(stack) });
  const read = <T>(name: string, parse: (text: string, parameter: string) => T): T | undefined => {
    const parameter = `${folderOf(stack)}/${name}`;
    const value = values[names.indexOf(parameter)];
    return value === undefined ? undefined : parse(value, parameter);
  };
  return { recorded: read("state", parseRecorded), begun: read("begun", parseBegun) };
}

/** Arguments of `BegunRecord`. */
export interface BegunRecordArgs {
  readonly stack: string;
  readonly begun: Begun;
}

/** What the stack has begun. Whatever holds data and is not there from the start depends on this. */
export class BegunRecord extends pulumi.ComponentResource {
  constructor(name: string, args: BegunRecordArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:record:BegunRecord", name, {}, opts);
    new aws.ssm.Parameter(
      `${name}-begun`,
      {
        name: `${folderOf(args.stack)}/begun`,
        type: "String",
        description: "What this Chirp stack has ever begun; read before every update",
        value: JSON.stringify(args.begun),
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

/** Arguments of `StackRecord`. */
export interface StackRecordArgs {
  readonly stack: string;
  readonly record: Recorded;
  /** Everything else in the stack: the record is written only when all of it is done. */
  readonly after: readonly pulumi.Resource[];
}

/** Where the stack stands, for the next update to read before it touches anything. */
export class StackRecord extends pulumi.ComponentResource {
  constructor(name: string, args: StackRecordArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:record:StackRecord", name, {}, opts);
    new aws.ssm.Parameter(
      `${name}-state`,
      {
        name: `${folderOf(args.stack)}/state`,
        type: "String",
        description: "Where this Chirp stack stands; read before every update",
        value: JSON.stringify(args.record),
      },
      { parent: this, dependsOn: [...args.after] },
    );
    this.registerOutputs({});
  }
}

function folderOf(stack: string): string {
  return `/chirp/${stack}/record`;
}
