import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { parseRecorded, type Recorded } from "../phases/recorded.ts";

/** Reads what the stack wrote at the end of its last successful update; undefined for a stack that never had one. */
export async function readRecord(stack: string): Promise<Recorded | undefined> {
  const name = recordName(stack);
  // By path: asking for a parameter by name fails when it isn't there.
  const found = await aws.ssm.getParametersByPath({ path: name.slice(0, name.lastIndexOf("/")) });
  const value = found.values[found.names.indexOf(name)];
  return value === undefined ? undefined : parseRecorded(value, name);
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
        name: recordName(args.stack),
        type: "String",
        description: "Where this Chirp stack stands; read before every update",
        value: JSON.stringify(args.record),
      },
      { parent: this, dependsOn: [...args.after] },
    );
    this.registerOutputs({});
  }
}

function recordName(stack: string): string {
  return `/chirp/${stack}/record/state`;
}
