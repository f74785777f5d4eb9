import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Door, MachineArgs, Serving } from "./machine.ts";
import { metadataOptions } from "./machine.ts";

/** Arguments of `Server`. */
export interface ServerArgs extends MachineArgs {
  /** Public subnet it lives in. */
  readonly subnetId: pulumi.Input<string>;
  /** User data: the constant bootstrap, which follows the release by itself. */
  readonly bootstrap: string;
}

/** The single server with its fixed public address. */
export class Server extends pulumi.ComponentResource {
  /** How clients reach it without a load balancer. */
  readonly door: Door;
  readonly serving: Serving;

  constructor(name: string, args: ServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:compute:Server", name, {}, opts);
    const instance = new aws.ec2.Instance(
      `${name}-server`,
      {
        ami: args.ami,
        instanceType: args.instanceType,
        subnetId: args.subnetId,
        vpcSecurityGroupIds: [args.securityGroupId],
        iamInstanceProfile: args.identity.instanceProfileName,
        metadataOptions,
        rootBlockDevice: { volumeType: "gp3", volumeSize: args.diskSize, encrypted: true },
        userData: args.bootstrap,
        tags: { Name: `${name}-server` },
      },
      // A new image would replace the only server there is. It comes with the Auto Scaling group, or a new stack.
      { parent: this, ignoreChanges: ["ami"], dependsOn: [args.identity, ...args.after] },
    );
    const address = new aws.ec2.Eip(
      `${name}-address`,
      { domain: "vpc", tags: { Name: `${name}-address` } },
      { parent: this },
    );
    const association = new aws.ec2.EipAssociation(
      `${name}-address-association`,
      { allocationId: address.allocationId, instanceId: instance.id },
      { parent: this },
    );
    if (args.targetGroupArn !== undefined)
      new aws.lb.TargetGroupAttachment(
        `${name}-server-attachment`,
        { targetGroupArn: args.targetGroupArn, targetId: instance.id, port: 80 },
        { parent: this },
      );
    this.serving = { kind: "server", instanceId: instance.id };
    // Through the association: an address that leads nowhere yet is no door.
    this.door = { address: association.publicIp };
    this.registerOutputs({ instanceId: instance.id });
  }
}
