import { distribution } from "../../parts/front/fronts.ts";
import { unservedBehaviors } from "../../parts/front/policies.ts";
import type { ResourceRecord } from "../record.ts";
import { arn, type Draft, inputId, ownHex, regionOf, type ResourceType } from "../resource-type.ts";

/** Ids like CloudFront's own: a letter and 13 capitals and digits. */
const frontId = (draft: { urn: string; generation: number }) => `E${ownHex(draft, 13).toUpperCase()}`;

const uuid = (draft: Draft) => ownHex(draft, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");

/** A policy that distributions refer to by its id. */
const policy = (kind: string, taken: string): ResourceType => ({
  naming: { property: "name", maxLength: 128, taken },
  id: uuid,
  inUse: `${kind}InUse`,
  outputs: (record) => ({ etag: `E${ownHex(record, 12).toUpperCase()}` }),
});

/** CloudFront, and the certificates for it. */
export const delivery: Record<string, ResourceType> = {
  "aws:cloudfront/distribution:Distribution": {
    part: distribution,
    required: ["origins", "defaultCacheBehavior", "enabled", "restrictions", "viewerCertificate"],
    unserved: ["originGroups", "continuousDeploymentPolicyId", "staging", "defaultRootObject"],
    id: frontId,
    check: unservedBehaviors,
    outputs: (record, context) => ({
      arn: arn(context, "cloudfront", `distribution/${record.id}`, "global"),
      domainName: domainNameOf(record),
      hostedZoneId: "Z2FDTNDATAQYW2",
      status: "Deployed",
      etag: `E${ownHex(record, 12).toUpperCase()}`,
    }),
  },
  "aws:cloudfront/originAccessControl:OriginAccessControl": {
    ...policy("OriginAccessControl", "OriginAccessControlAlreadyExists"),
    required: ["originAccessControlOriginType", "signingBehavior", "signingProtocol"],
    id: frontId,
  },
  "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": {
    ...policy("OriginRequestPolicy", "OriginRequestPolicyAlreadyExists"),
    required: ["cookiesConfig", "headersConfig", "queryStringsConfig"],
  },
  "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": policy(
    "ResponseHeadersPolicy",
    "ResponseHeadersPolicyAlreadyExists",
  ),
  // Valid at once: nobody is asked, and TLS ends before this machine.
  "aws:acm/certificate:Certificate": {
    id: (draft, context) => arn(regionOf(draft, context), "acm", `certificate/${uuid(draft)}`),
    outputs: (record) => ({
      arn: record.id,
      status: "ISSUED",
      domainValidationOptions: [
        {
          domainName: record.inputs.domainName,
          resourceRecordName: `_${ownHex(record, 32)}.${String(record.inputs.domainName)}.`,
          resourceRecordType: "CNAME",
          resourceRecordValue: `_${ownHex(record, 31)}.acm-validations.aws.`,
        },
      ],
    }),
  },
  "aws:acm/certificateValidation:CertificateValidation": {
    required: ["certificateArn"],
    id: inputId("certificateArn"),
  },
};

/** The name that a distribution always answers to. */
export function domainNameOf(record: ResourceRecord): string {
  return `d${ownHex(record, 13)}.cloudfront.net`;
}
