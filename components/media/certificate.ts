import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

/** CloudFront, its certificates and its web ACLs live in this region, wherever the stack is. */
export const frontRegion = "us-east-1";

/** Arguments of `FrontCertificate`. */
export interface FrontCertificateArgs {
  readonly domainName: string;
  /** Route 53 zone in which the proof of ownership goes. */
  readonly hostedZoneId: string;
}

/** A certificate for CloudFront, proved by a record in the zone of the domain. */
export class FrontCertificate extends pulumi.ComponentResource {
  /** ARN of the certificate, known once it is valid. */
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: FrontCertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:media:FrontCertificate", name, {}, opts);
    const certificate = new aws.acm.Certificate(
      `${name}-front-certificate`,
      { domainName: args.domainName, validationMethod: "DNS", region: frontRegion },
      { parent: this },
    );
    const proof = certificate.domainValidationOptions.apply(
      ([option]) => option ?? { resourceRecordName: "", resourceRecordType: "", resourceRecordValue: "" },
    );
    const record = new aws.route53.Record(
      `${name}-front-certificate-proof`,
      {
        zoneId: args.hostedZoneId,
        name: proof.resourceRecordName,
        type: proof.resourceRecordType,
        records: [proof.resourceRecordValue],
        ttl: 300,
        // ACM asks for the same record in every region, so the load balancer's certificate may have brought it already.
        allowOverwrite: true,
      },
      // For the same reason it stays when this certificate goes: the other one's renewal may need it.
      { parent: this, retainOnDelete: true },
    );
    const valid = new aws.acm.CertificateValidation(
      `${name}-front-certificate-validation`,
      { certificateArn: certificate.arn, validationRecordFqdns: [record.fqdn], region: frontRegion },
      { parent: this },
    );
    this.arn = valid.certificateArn;
    this.registerOutputs({ arn: this.arn });
  }
}
