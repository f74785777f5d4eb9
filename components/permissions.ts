import type * as pulumi from "@pulumi/pulumi";

/** A statement of a policy that allows something. */
export interface Statement {
  readonly Effect: "Allow";
  readonly Action: string[];
  readonly Resource: pulumi.Input<string>[];
}

/** Trust policy of a role that one AWS service takes. */
export function trust(service: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
  });
}

/** A policy statement. */
export function allow(actions: string[], resources: pulumi.Input<string>[]): Statement {
  return { Effect: "Allow", Action: actions, Resource: resources };
}
