import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { Identity } from "./identity.ts";

/** What the single server and the servers of a group have in common. */
export interface MachineArgs {
  /** Amazon Linux 2023 image, pinned. */
  readonly ami: string;
  readonly instanceType: string;
  /** Root volume in GB; Amazon Linux 2023 needs 8. */
  readonly diskSize: number;
  readonly securityGroupId: pulumi.Input<string>;
  readonly identity: Identity;
  /** Target group to serve behind, in a stack with a load balancer. */
  readonly targetGroupArn: pulumi.Input<string> | undefined;
  /** What must be there before a server starts: its release, the way out. */
  readonly after: readonly pulumi.Resource[];
}

/** Where clients come in. */
export interface Door {
  /** Public address or DNS name. */
  readonly address: pulumi.Output<string>;
  /** Route 53 zone of the DNS name when it is a load balancer's, for an alias record. */
  readonly aliasZoneId?: pulumi.Output<string>;
}

/** Who shall serve: the single server, or a group at one version of its template. */
export type Serving =
  | { readonly kind: "server"; readonly instanceId: pulumi.Output<string> }
  | {
      readonly kind: "group";
      readonly name: pulumi.Output<string>;
      readonly templateVersion: pulumi.Output<string>;
      /** Servers that must be healthy before clients come. */
      readonly least: number;
    };

/** IMDSv2 only, and answers that no proxy on the machine can pass on. */
export const metadataOptions = {
  httpTokens: "required",
  httpPutResponseHopLimit: 1,
  httpEndpoint: "enabled",
} satisfies aws.types.input.ec2.InstanceMetadataOptions;
