import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Door } from "../compute/machine.ts";
import { FrontCertificate } from "./certificate.ts";
import { FrontWaf } from "./front-waf.ts";
import { onlyHttps, responseHeaders, viewerRequest } from "./policies.ts";
import type { FrontSecret } from "./secret.ts";

/** The header whose value is the front's secret. The servers look for it in lower case: `app/server/front.ts`. */
export const proofHeader = "x-chirp-front";

/** Arguments of `Front`. */
export interface FrontArgs {
  /** DNS name of the load balancer, which answers everything but pictures. */
  readonly balancerName: pulumi.Input<string>;
  /** Whether the load balancer answers HTTPS, with a certificate for `domain`. */
  readonly https: boolean;
  /** What it sends along to prove itself. */
  readonly secret: FrontSecret;
  /** IPv4 ranges that are turned away. */
  readonly blockedIps: readonly string[];
  /** Requests in five minutes after which one address is turned away. */
  readonly rateLimit: number;
  /** The name that people use, and the Route 53 zone it is in. Without one they use CloudFront's own name. */
  readonly domain: { readonly name: string; readonly zoneId: string } | undefined;
}

interface Origin {
  readonly bucket: aws.s3.Bucket;
}

/** CloudFront's managed cache policies; their ids are the same in every account. */
const cachingDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const cachingOptimized = "658327ea-f89d-4fab-a63d-7e88639e58f6";

const everyMethod = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"];

/** Errors that CloudFront would keep for ten seconds and tell others, even where nothing is cached. */
const keptErrors = [400, 403, 404, 405, 414, 500, 501, 502, 503, 504];

/** CloudFront: pictures from the bucket, kept near those who look at them; everything else from the load balancer. */
export class Front extends pulumi.ComponentResource {
  /** How clients reach it. */
  readonly door: Door;
  /** Its own host name, which it always answers to. */
  readonly host: pulumi.Output<string>;
  /** ARN of the distribution, by which the bucket knows it. */
  readonly arn: pulumi.Output<string>;

  constructor(name: string, args: FrontArgs & Origin, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:media:Front", name, {}, opts);
    const child = { parent: this };
    const guard = new FrontWaf(name, args, child);
    const access = new aws.cloudfront.OriginAccessControl(
      `${name}-front-access`,
      { originAccessControlOriginType: "s3", signingBehavior: "always", signingProtocol: "sigv4" },
      child,
    );
    const certificateArn =
      args.domain &&
      new FrontCertificate(name, { domainName: args.domain.name, hostedZoneId: args.domain.zoneId }, child).arn;
    // A domain outlives this front: back in a phase without it, only the load balancer's own certificate gives HTTPS, and a
    // browser that was told to insist on it would be shut out for a year.
    const staysOnHttps = args.https || args.domain === undefined;
    const distribution = new aws.cloudfront.Distribution(
      `${name}-front`,
      {
        comment: "Chirp",
        enabled: true,
        httpVersion: "http2and3",
        // The rest of the stack is IPv4, and so is the list of blocked addresses: over IPv6 they would walk around it.
        isIpv6Enabled: false,
        webAclId: guard.arn,
        aliases: args.domain ? [args.domain.name] : [],
        viewerCertificate: certificateArn
          ? { acmCertificateArn: certificateArn, sslSupportMethod: "sni-only", minimumProtocolVersion: "TLSv1.2_2021" }
          : { cloudfrontDefaultCertificate: true },
        restrictions: { geoRestriction: { restrictionType: "none" } },
        origins: [serviceOrigin(args), pictureOrigin(args.bucket, access)],
        defaultCacheBehavior: {
          targetOriginId: "service",
          viewerProtocolPolicy: "redirect-to-https",
          allowedMethods: everyMethod,
          cachedMethods: ["GET", "HEAD"],
          compress: true,
          cachePolicyId: cachingDisabled,
          originRequestPolicyId: viewerRequest(name, this).id,
          ...(staysOnHttps ? { responseHeadersPolicyId: onlyHttps(name, this).id } : {}),
        },
        orderedCacheBehaviors: [
          {
            pathPattern: "/media/*",
            targetOriginId: "pictures",
            viewerProtocolPolicy: "redirect-to-https",
            allowedMethods: ["GET", "HEAD"],
            cachedMethods: ["GET", "HEAD"],
            cachePolicyId: cachingOptimized,
            responseHeadersPolicyId: responseHeaders(name, this).id,
          },
        ],
        customErrorResponses: keptErrors.map((errorCode) => ({ errorCode, errorCachingMinTtl: 0 })),
      },
      child,
    );
    this.host = distribution.domainName;
    this.arn = distribution.arn;
    this.door = { address: distribution.domainName, aliasZoneId: distribution.hostedZoneId };
    this.registerOutputs({ host: this.host });
  }
}

function serviceOrigin({ balancerName, https, secret }: FrontArgs): aws.types.input.cloudfront.DistributionOrigin {
  return {
    originId: "service",
    domainName: balancerName,
    customOriginConfig: {
      httpPort: 80,
      httpsPort: 443,
      // The host that the viewer asked for goes along, and it is that name which the balancer's certificate has to have.
      originProtocolPolicy: https ? "https-only" : "http-only",
      originSslProtocols: ["TLSv1.2"],
      // Below the load balancer's 60 seconds, so that it never closes a connection CloudFront is about to use.
      originKeepaliveTimeout: 30,
      originReadTimeout: 60,
    },
    customHeaders: [{ name: proofHeader, value: secret.value }],
  };
}

function pictureOrigin(
  bucket: aws.s3.Bucket,
  access: aws.cloudfront.OriginAccessControl,
): aws.types.input.cloudfront.DistributionOrigin {
  return {
    originId: "pictures",
    // The regional name: through the global one a new bucket answers with redirects for hours.
    domainName: bucket.bucketRegionalDomainName,
    originAccessControlId: access.id,
  };
}
