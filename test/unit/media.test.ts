import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { proofHeader } from "../../components/media/front.ts";
import { Media, type MediaArgs } from "../../components/media/media.ts";
import { FrontSecret } from "../../components/media/secret.ts";
import { type Run, runProgram } from "../support/program.ts";

const distributionType = "aws:cloudfront/distribution:Distribution";

interface Distribution {
  readonly aliases: string[];
  readonly webAclId: string;
  readonly isIpv6Enabled: boolean;
  readonly viewerCertificate: Record<string, unknown>;
  readonly origins: {
    originId: string;
    domainName: string;
    originAccessControlId?: string;
    customHeaders?: object[];
    customOriginConfig?: Record<string, unknown>;
  }[];
  readonly defaultCacheBehavior: Record<string, unknown>;
  readonly orderedCacheBehaviors: Record<string, unknown>[];
  readonly customErrorResponses: { errorCode: number; errorCachingMinTtl: number }[];
}

interface Options {
  readonly domain?: { readonly name: string; readonly zoneId: string };
  readonly https?: boolean;
  readonly isKept?: boolean;
}

function media({ domain, https = false, isKept = false }: Options = {}): Promise<Run> {
  return runProgram(() => {
    const secret = new FrontSecret("chirp");
    const front: MediaArgs["front"] = {
      balancerName: pulumi.output("balancer.example"),
      https,
      secret,
      blockedIps: ["203.0.113.0/24"],
      rateLimit: 5000,
      domain,
    };
    const made = new Media("chirp", { teardown: false, front: isKept ? undefined : front });
    return {
      door: made.door,
      served: made.served,
      secret: pulumi.output(secret.value).apply(() => pulumi.isSecret(secret.value)),
    };
  });
}

const inputsOf = (run: Run) => run.one(distributionType, "chirp-front").inputs as unknown as Distribution;
const domain = { name: "chirp.example.com", zoneId: "Z1" };

describe("media: the bucket", () => {
  it("is private, versioned, encrypted and protected, and is not emptied by mistake", async () => {
    const run = await media();
    const bucket = run.one("aws:s3/bucket:Bucket", "chirp-media");
    assert.equal(bucket.protect, true);
    assert.equal(bucket.inputs.forceDestroy, false);
    assert.equal(bucket.inputs.bucket, undefined);
    const { inputs } = run.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "chirp-media-public-access");
    for (const setting of ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"])
      assert.equal(inputs[setting], true);
    assert.ok(run.has("aws:s3/bucketVersioning:BucketVersioning", "chirp-media-versioning"));
    assert.ok(
      run.has(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "chirp-media-encryption",
      ),
    );
  });

  it("is read over TLS, below media/, by this distribution, and by nobody else", async () => {
    const run = await media();
    const text = run.one("aws:s3/bucketPolicy:BucketPolicy", "chirp-media-policy").inputs.policy as string;
    const [tlsOnly, reading, ...more] = JSON.parse(text).Statement;
    assert.deepEqual([tlsOnly.Effect, tlsOnly.Condition], ["Deny", { Bool: { "aws:SecureTransport": "false" } }]);
    assert.deepEqual(reading, {
      Sid: "ReadPictures",
      Effect: "Allow",
      Principal: { Service: "cloudfront.amazonaws.com" },
      Action: "s3:GetObject",
      Resource: "arn:chirp-media/media/*",
      Condition: { StringEquals: { "AWS:SourceArn": "arn:chirp-front" } },
    });
    assert.deepEqual(more, []);
  });

  it("forgets uploads that no post took, and older versions of pictures", async () => {
    const run = await media();
    const type = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration";
    const rules = run.one(type, "chirp-media-lifecycle").inputs.rules as Record<string, Record<string, unknown>>[];
    assert.deepEqual(
      rules.map(({ filter, expiration, noncurrentVersionExpiration }) => [
        filter?.prefix,
        expiration,
        noncurrentVersionExpiration,
      ]),
      [
        ["incoming/", { days: 1 }, { noncurrentDays: 1 }],
        ["media/", { expiredObjectDeleteMarker: true }, { noncurrentDays: 7 }],
      ],
    );
  });

  it("takes uploads from the service's own pages", async () => {
    const type = "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration";
    const origins = async (options: Options) => {
      const [rule] = (await media(options)).one(type, "chirp-media-cors").inputs.corsRules as Record<
        string,
        string[]
      >[];
      assert.deepEqual(rule?.allowedMethods, ["PUT"]);
      assert.deepEqual(rule?.allowedHeaders, ["content-type", "if-none-match"]);
      return rule?.allowedOrigins;
    };
    const everywhere = [
      "https://chirp-front.cloudfront.example",
      "http://chirp-front.cloudfront.example",
      "https://balancer.example",
      "http://balancer.example",
    ];
    assert.deepEqual(await origins({}), everywhere);
    // CloudFront's own name answers on beside the domain, and a network load balancer over HTTP beside HTTPS.
    const named = ["https://chirp.example.com", "http://chirp.example.com", ...everywhere];
    assert.deepEqual(await origins({ domain, https: true }), named);
  });

  it("stays, with what it needs to be safe and nothing more, where pictures are only kept", async () => {
    const run = await media({ isKept: true });
    assert.equal(run.one("aws:s3/bucket:Bucket", "chirp-media").protect, true);
    assert.equal(run.all.filter(({ type }) => /cloudfront|wafv2|acm|Cors/.test(type)).length, 0);
    const text = run.one("aws:s3/bucketPolicy:BucketPolicy", "chirp-media-policy").inputs.policy as string;
    assert.equal(JSON.parse(text).Statement.length, 1);
    assert.deepEqual([run.outputs.door, run.outputs.served], [undefined, undefined]);
  });
});

describe("media: CloudFront", () => {
  it("is a door that a record can be an alias of, and tells servers what they need", async () => {
    const { outputs } = await media();
    assert.deepEqual(outputs.door, { address: "chirp-front.cloudfront.example", aliasZoneId: "ZCF" });
    assert.deepEqual(outputs.served, {
      bucketName: "chirp-media-1a2b3c4",
      bucketArn: "arn:chirp-media",
      host: "chirp-front.cloudfront.example",
    });
  });

  it("passes everything but pictures on to the load balancer, and keeps nothing of it", async () => {
    const { origins, defaultCacheBehavior, customErrorResponses } = inputsOf(await media());
    const service = origins.find(({ originId }) => originId === defaultCacheBehavior.targetOriginId);
    assert.equal(service?.domainName, "balancer.example");
    assert.equal((defaultCacheBehavior.allowedMethods as string[]).length, 7);
    assert.equal(defaultCacheBehavior.cachePolicyId, "4135ea2d-6df8-44a3-9df3-4b5a84be39ad");
    assert.equal(defaultCacheBehavior.viewerProtocolPolicy, "redirect-to-https");
    assert.equal(defaultCacheBehavior.originRequestPolicyId, "chirp-front-request-id");
    assert.ok(customErrorResponses.length >= 10);
    for (const { errorCode, errorCachingMinTtl } of customErrorResponses)
      assert.equal(errorCachingMinTtl, 0, String(errorCode));
  });

  it("hands on host, cookies and all, with the client's own address and protocol", async () => {
    const run = await media();
    const { inputs } = run.one("aws:cloudfront/originRequestPolicy:OriginRequestPolicy", "chirp-front-request");
    assert.deepEqual(inputs.cookiesConfig, { cookieBehavior: "all" });
    assert.deepEqual(inputs.queryStringsConfig, { queryStringBehavior: "all" });
    assert.deepEqual(inputs.headersConfig, {
      headerBehavior: "allViewerAndWhitelistCloudFront",
      headers: { items: ["CloudFront-Forwarded-Proto", "CloudFront-Viewer-Address"] },
    });
  });

  it("fetches pictures from the bucket, signing, and keeps them as long as they say", async () => {
    const run = await media();
    const { origins, orderedCacheBehaviors } = inputsOf(run);
    const [pictures, ...more] = orderedCacheBehaviors;
    assert.deepEqual(more, []);
    assert.equal(pictures?.pathPattern, "/media/*");
    assert.deepEqual(pictures?.allowedMethods, ["GET", "HEAD"]);
    assert.equal(pictures?.cachePolicyId, "658327ea-f89d-4fab-a63d-7e88639e58f6");
    const origin = origins.find(({ originId }) => originId === pictures?.targetOriginId);
    assert.equal(origin?.domainName, "chirp-media-1a2b3c4.s3.us-east-1.example");
    assert.equal(origin?.originAccessControlId, "chirp-front-access-id");
    const access = run.one("aws:cloudfront/originAccessControl:OriginAccessControl", "chirp-front-access").inputs;
    assert.equal(access.signingBehavior, "always");
  });

  it("answers pictures as pictures: no sniffing, no scripts", async () => {
    const run = await media();
    const { inputs } = run.one(
      "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
      "chirp-front-media-headers",
    );
    const headers = inputs.securityHeadersConfig as Record<string, Record<string, unknown>>;
    assert.deepEqual(headers.contentTypeOptions, { override: true });
    assert.deepEqual(headers.contentSecurityPolicy, {
      contentSecurityPolicy: "default-src 'none'; sandbox",
      override: true,
    });
    assert.equal(inputsOf(run).orderedCacheBehaviors[0]?.responseHeadersPolicyId, "chirp-front-media-headers-id");
  });

  it("tells browsers to insist on HTTPS only where its name keeps it without CloudFront", async () => {
    const policyType = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy";
    for (const options of [{}, { domain, https: true }]) {
      const run = await media(options);
      const headers = run.one(policyType, "chirp-front-service-headers").inputs.securityHeadersConfig;
      assert.deepEqual(headers, { strictTransportSecurity: { accessControlMaxAgeSec: 31_536_000, override: true } });
      assert.equal(
        inputsOf(run).defaultCacheBehavior.responseHeadersPolicyId,
        "chirp-front-service-headers-id",
        JSON.stringify(options),
      );
    }
    const without = await media({ domain });
    assert.equal(without.has(policyType, "chirp-front-service-headers"), false);
    assert.equal(inputsOf(without).defaultCacheBehavior.responseHeadersPolicyId, undefined);
  });

  it("is guarded where clients' own addresses are seen, in the region where such guards live", async () => {
    const run = await media();
    for (const type of ["aws:wafv2/ipSet:IpSet", "aws:wafv2/webAcl:WebAcl"])
      for (const { inputs } of run.of(type))
        assert.deepEqual([inputs.scope, inputs.region], ["CLOUDFRONT", "us-east-1"]);
    const { inputs } = run.one("aws:wafv2/webAcl:WebAcl", "chirp-front-waf");
    const [blocked, rate] = inputs.rules as { statement: Record<string, Record<string, unknown>> }[];
    assert.equal(blocked?.statement.ipSetReferenceStatement?.arn, "arn:chirp-front-blocked");
    assert.equal(rate?.statement.rateBasedStatement?.limit, 5000);
    assert.equal(rate?.statement.rateBasedStatement?.scopeDownStatement, undefined);
    assert.deepEqual(run.one("aws:wafv2/ipSet:IpSet", "chirp-front-blocked").inputs.addresses, ["203.0.113.0/24"]);
    const { webAclId, isIpv6Enabled } = inputsOf(run);
    assert.deepEqual([webAclId, isIpv6Enabled], ["arn:chirp-front-waf", false]);
  });

  it("proves itself with a secret that Secrets Manager made and that stays", async () => {
    const run = await media();
    const service = inputsOf(run).origins.find(({ originId }) => originId === "service");
    assert.deepEqual(service?.customHeaders, [{ name: proofHeader, value: "a-secret" }]);
    const version = run.one("aws:secretsmanager/secretVersion:SecretVersion", "chirp-front-secret-value");
    assert.deepEqual(version.ignoreChanges, ["secretString"]);
    assert.equal(run.outputs.secret, true);
  });

  it("has CloudFront's own name and certificate, and plain HTTP behind it, without a domain", async () => {
    const run = await media();
    const { aliases, viewerCertificate, origins } = inputsOf(run);
    assert.deepEqual(aliases, []);
    assert.deepEqual(viewerCertificate, { cloudfrontDefaultCertificate: true });
    assert.equal(origins[0]?.customOriginConfig?.originProtocolPolicy, "http-only");
    assert.equal(run.of("aws:acm/certificate:Certificate").length, 0);
  });

  it("has a proved certificate of its own in us-east-1, and HTTPS behind it, with a domain", async () => {
    const run = await media({ domain, https: true });
    const { aliases, viewerCertificate, origins } = inputsOf(run);
    assert.deepEqual(aliases, ["chirp.example.com"]);
    assert.equal(viewerCertificate.acmCertificateArn, "arn:chirp-front-certificate");
    assert.equal(origins[0]?.customOriginConfig?.originProtocolPolicy, "https-only");
    const { inputs } = run.one("aws:acm/certificate:Certificate", "chirp-front-certificate");
    assert.deepEqual(
      [inputs.domainName, inputs.validationMethod, inputs.region],
      ["chirp.example.com", "DNS", "us-east-1"],
    );
    const proof = run.one("aws:route53/record:Record", "chirp-front-certificate-proof");
    assert.deepEqual(
      [proof.inputs.zoneId, proof.inputs.records, proof.inputs.allowOverwrite],
      ["Z1", ["_proof.aws"], true],
    );
    assert.equal(proof.retainOnDelete, true);
    const validation = run.one(
      "aws:acm/certificateValidation:CertificateValidation",
      "chirp-front-certificate-validation",
    );
    assert.equal(validation.inputs.region, "us-east-1");
  });
});
