import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { metadataOptions } from "./machine.ts";

/** Arguments of `launchTemplate`. */
export interface TemplateArgs {
  /** Amazon Linux 2023 image, pinned. */
  readonly ami: string;
  readonly instanceType: string;
  /** Root volume in GB; Amazon Linux 2023 needs 8. */
  readonly diskSize: number;
  readonly securityGroupId: pulumi.Input<string>;
  readonly instanceProfileArn: pulumi.Input<string>;
  /** User data: the bootstrap, pinned to one version of a release, so that a new release is a new template. */
  readonly bootstrap: pulumi.Input<string>;
  readonly tags: Readonly<Record<string, string>>;
}

/** A launch template and its version as an Auto Scaling group wants it. */
export interface Template {
  readonly id: pulumi.Output<string>;
  /** A number, never "$Latest": that text doesn't change with the template, so no refresh would ever start. */
  readonly version: pulumi.Output<string>;
}

/** The template of machines with encrypted disks, IMDSv2 only, and no key. */
export function launchTemplate(name: string, args: TemplateArgs, parent: pulumi.Resource): Template {
  const template = new aws.ec2.LaunchTemplate(
    name,
    {
      imageId: args.ami,
      instanceType: args.instanceType,
      vpcSecurityGroupIds: [args.securityGroupId],
      iamInstanceProfile: { arn: args.instanceProfileArn },
      metadataOptions,
      blockDeviceMappings: [
        {
          deviceName: "/dev/xvda",
          ebs: { volumeType: "gp3", volumeSize: args.diskSize, encrypted: "true", deleteOnTermination: "true" },
        },
      ],
      userData: pulumi.output(args.bootstrap).apply((text) => Buffer.from(text).toString("base64")),
      tagSpecifications: [{ resourceType: "instance", tags: { ...args.tags } }],
      updateDefaultVersion: true,
    },
    { parent },
  );
  return { id: template.id, version: template.latestVersion.apply(String) };
}
