import * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";

/**
 * What of a request goes on to the servers: everything, host and cookies included, and what only CloudFront knows of the
 * client. The load balancer would say "http" of every request that reached CloudFront by HTTPS.
 */
export function viewerRequest(name: string, parent: pulumi.Resource): aws.cloudfront.OriginRequestPolicy {
  return new aws.cloudfront.OriginRequestPolicy(
    `${name}-front-request`,
    {
      comment: "Everything of the viewer, with its address and protocol",
      cookiesConfig: { cookieBehavior: "all" },
      queryStringsConfig: { queryStringBehavior: "all" },
      headersConfig: {
        headerBehavior: "allViewerAndWhitelistCloudFront",
        headers: { items: ["CloudFront-Forwarded-Proto", "CloudFront-Viewer-Address"] },
      },
    },
    { parent },
  );
}

/** Tells browsers never to come without HTTPS again. */
export function onlyHttps(name: string, parent: pulumi.Resource): aws.cloudfront.ResponseHeadersPolicy {
  return new aws.cloudfront.ResponseHeadersPolicy(
    `${name}-front-service-headers`,
    {
      comment: "This name stays on HTTPS",
      securityHeadersConfig: { strictTransportSecurity: { accessControlMaxAgeSec: 31_536_000, override: true } },
    },
    { parent },
  );
}

/** How pictures are answered: as what they were found to be, and without any rights should one be opened as a page. */
export function responseHeaders(name: string, parent: pulumi.Resource): aws.cloudfront.ResponseHeadersPolicy {
  return new aws.cloudfront.ResponseHeadersPolicy(
    `${name}-front-media-headers`,
    {
      comment: "Pictures are pictures and nothing else",
      securityHeadersConfig: {
        contentTypeOptions: { override: true },
        contentSecurityPolicy: { contentSecurityPolicy: "default-src 'none'; sandbox", override: true },
        frameOptions: { frameOption: "DENY", override: true },
        referrerPolicy: { referrerPolicy: "no-referrer", override: true },
      },
    },
    { parent },
  );
}
