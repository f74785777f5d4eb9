import * as pulumi from "@pulumi/pulumi";

/** One resource as the program asked the engine for it. */
export interface Registration {
  /** As the engine would build it: types from the outermost parent inwards, then the name. */
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
  /** URNs of what must be there before: written down by the program or following from its inputs. */
  readonly dependencies: readonly string[];
  readonly protect: boolean;
  readonly retainOnDelete: boolean;
  readonly ignoreChanges: readonly string[];
}

/** Everything a program registered, and its outputs. */
export interface Run {
  readonly all: readonly Registration[];
  readonly outputs: Record<string, unknown>;
  /** The only resource of that name and type; fails when there is none or more than one. */
  one(type: string, name: string): Registration;
  /** Every resource of a type. */
  of(type: string): Registration[];
  has(type: string, name: string): boolean;
}

/** Answers to the program's look-ups, by token. One that isn't here throws. */
export type Answers = Record<string, (inputs: Record<string, unknown>) => Record<string, unknown>>;

/** Look-ups whose answer is the same for everybody. */
const usualAnswers: Answers = {
  "aws:secretsmanager/getRandomPassword:getRandomPassword": () => ({ randomPassword: "a-secret" }),
};

/** Marks what is more than JSON on the wire; the second one marks references to resources. */
const signature = "4dabf18193072939515e22adb298388d";
const referenceSignature = "5cf8f73096256a8f31e491e813e4eb8e";

type Make = (name: string, inputs: Record<string, unknown>) => Record<string, unknown>;

const arn: Make = (name) => ({ arn: `arn:${name}` });
const named: Make = (name) => ({ arn: `arn:${name}`, name: `${name}-1a2b3c4` });
const nothing: Make = () => ({});

/** A resource that a component of another package made, as the engine refers to it. */
function inside(type: string, name: string, state: Record<string, unknown>): Record<string, unknown> {
  const urn = `urn:pulumi:dev::chirp::awsx:ec2:Vpc$${type}::${name}`;
  const { resources } = pulumi.runtime.getMonitor() as unknown as Monitor;
  resources.set(urn, { urn, id: `${name}-id`, state });
  return { [signature]: referenceSignature, urn, id: `${name}-id` };
}

/** What AWS adds to each type that the program uses. A type that isn't here throws: it would come back without outputs. */
const outputsOf: Record<string, Make> = {
  "awsx:ec2:Vpc": (name) => ({
    vpcId: `${name}-id`,
    publicSubnetIds: ["public-1", "public-2"],
    privateSubnetIds: ["app-1", "app-2"],
    isolatedSubnetIds: ["data-1", "data-2"],
    // In another order than the subnets' own, and not the app tier's alone.
    routeTableAssociations: ["data-1", "app-2", "public-1", "app-1", "data-2", "public-2"].map((subnetId) =>
      inside("aws:ec2/routeTableAssociation:RouteTableAssociation", `${name}-${subnetId}`, {
        subnetId,
        routeTableId: `table-of-${subnetId}`,
      }),
    ),
    routes: [inside("aws:ec2/route:Route", `${name}-app-1`, {})],
    natGateways: [inside("aws:ec2/natGateway:NatGateway", `${name}-1`, {})],
  }),
  "aws:acm/certificate:Certificate": (name) => ({
    arn: `arn:${name}`,
    domainValidationOptions: [
      {
        resourceRecordName: "_proof.chirp.example.com",
        resourceRecordType: "CNAME",
        resourceRecordValue: "_proof.aws",
      },
    ],
  }),
  "aws:acm/certificateValidation:CertificateValidation": nothing,
  "aws:autoscaling/group:Group": named,
  "aws:autoscaling/policy:Policy": nothing,
  "aws:cloudfront/distribution:Distribution": (name) => ({
    arn: `arn:${name}`,
    domainName: `${name}.cloudfront.example`,
    hostedZoneId: "ZCF",
  }),
  "aws:cloudfront/originAccessControl:OriginAccessControl": nothing,
  "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": nothing,
  "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": nothing,
  "aws:cloudwatch/logGroup:LogGroup": arn,
  "aws:cloudwatch/metricAlarm:MetricAlarm": nothing,
  "aws:dynamodb/table:Table": (name) => ({ ...named(name, {}), streamArn: `arn:${name}/stream` }),
  "aws:ec2/eip:Eip": (name) => ({ allocationId: `${name}-allocation`, publicIp: "198.51.100.7" }),
  "aws:ec2/eipAssociation:EipAssociation": () => ({ publicIp: "198.51.100.7" }),
  "aws:ec2/instance:Instance": arn,
  "aws:ec2/launchTemplate:LaunchTemplate": () => ({ latestVersion: 7 }),
  "aws:ec2/networkAcl:NetworkAcl": nothing,
  "aws:ec2/networkAclAssociation:NetworkAclAssociation": nothing,
  "aws:ec2/securityGroup:SecurityGroup": nothing,
  "aws:ec2/vpcEndpoint:VpcEndpoint": nothing,
  "aws:iam/instanceProfile:InstanceProfile": named,
  "aws:iam/role:Role": named,
  "aws:iam/rolePolicy:RolePolicy": nothing,
  "aws:lambda/eventSourceMapping:EventSourceMapping": nothing,
  "aws:lambda/function:Function": named,
  "aws:lambda/invocation:Invocation": () => ({ result: "{}" }),
  "aws:lb/listener:Listener": arn,
  "aws:lb/loadBalancer:LoadBalancer": (name) => ({ arn: `arn:${name}`, dnsName: `${name}.example`, zoneId: "ZLB" }),
  "aws:lb/targetGroup:TargetGroup": arn,
  "aws:lb/targetGroupAttachment:TargetGroupAttachment": nothing,
  "aws:rds/instance:Instance": (name) => ({
    identifier: `${name}-1a2b3c4`,
    address: `${name}.rds.example`,
    port: 3306,
    caCertIdentifier: "rds-ca-rsa2048-g1",
    masterUserSecrets: [{ secretArn: `arn:${name}-admin` }],
  }),
  "aws:rds/parameterGroup:ParameterGroup": named,
  "aws:rds/snapshot:Snapshot": nothing,
  "aws:rds/subnetGroup:SubnetGroup": named,
  "aws:route53/record:Record": nothing,
  "aws:s3/bucket:Bucket": (name) => ({
    arn: `arn:${name}`,
    bucket: `${name}-1a2b3c4`,
    bucketRegionalDomainName: `${name}-1a2b3c4.s3.us-east-1.example`,
  }),
  "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": nothing,
  "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": nothing,
  "aws:s3/bucketObjectv2:BucketObjectv2": nothing,
  "aws:s3/bucketOwnershipControls:BucketOwnershipControls": nothing,
  "aws:s3/bucketPolicy:BucketPolicy": nothing,
  "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": nothing,
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": nothing,
  "aws:s3/bucketVersioning:BucketVersioning": nothing,
  "aws:secretsmanager/secret:Secret": arn,
  "aws:secretsmanager/secretVersion:SecretVersion": nothing,
  "aws:sqs/queue:Queue": named,
  "aws:ssm/parameter:Parameter": (name) => ({ arn: `arn:${name}`, version: 3 }),
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": nothing,
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": nothing,
  "aws:wafv2/ipSet:IpSet": arn,
  "aws:wafv2/webAcl:WebAcl": arn,
  "aws:wafv2/webAclAssociation:WebAclAssociation": nothing,
};

/** Types of the program's own components: they have no outputs of their own. */
const isComponent = (type: string) => type.startsWith("chirp:") || type === "pulumi:pulumi:Stack";

/** The part of the engine's client that registers resources; the mocks stand behind it. */
interface Monitor {
  registerResource(request: RegisterRequest, callback: (error: unknown, response?: Registered) => void): void;
  /** By URN, for those who ask for the state of one. */
  readonly resources: Map<string, { urn: string; id: string; state: Record<string, unknown> }>;
}
interface Registered {
  getUrn(): string;
}
interface RegisterRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getObject(): { toJavaScript(): unknown };
  getDependenciesList(): string[];
  getProtect(): boolean | undefined;
  getRetainondelete(): boolean | undefined;
  getIgnorechangesList(): string[];
}

/**
 * Runs a program or a component under mocks and returns what it registered, with the options as the engine gets them.
 * @throws Error when anything isn't mocked, or the program fails
 */
export async function runProgram(program: () => unknown, answers: Answers = {}): Promise<Run> {
  const failure = Promise.withResolvers<never>();
  const failing = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      failure.reject(error);
      throw error;
    }
  };
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs }) =>
        failing(() => {
          const make = isComponent(type) ? nothing : outputsOf[type];
          if (make === undefined) throw new Error(`${type} (${name}) isn't mocked: add its outputs to outputsOf`);
          return { id: `${name}-id`, state: { ...(inputs as Record<string, unknown>), ...make(name, inputs) } };
        }),
      call: ({ token, inputs }) =>
        failing(() => {
          const answer = answers[token] ?? usualAnswers[token];
          if (answer === undefined) throw new Error(`${token} isn't mocked: add an answer`);
          return answer(inputs);
        }),
    },
    "chirp",
    "dev",
    false,
  );
  const all = recordRegistrations();
  const working = async () => {
    const outputs = (await pulumi.runtime.runInPulumiStack(async () => (await program()) as never)) as unknown;
    await pulumi.runtime.disconnect();
    return run(all, (await resolved(outputs)) as Record<string, unknown>);
  };
  // What depends on an unmocked resource would wait for it for ever.
  return Promise.race([working(), failure.promise]);
}

function recordRegistrations(): Registration[] {
  const all: Registration[] = [];
  const urns = new Map<string, { urn: string; types: string }>();
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, callback) => {
    register(request, (error, response) => {
      if (response !== undefined && request.getType() !== "pulumi:pulumi:Stack") {
        const parent = urns.get(request.getParent());
        const type = request.getType();
        const types = parent === undefined ? type : `${parent.types}$${type}`;
        const urn = `urn:pulumi:dev::chirp::${types}::${request.getName()}`;
        urns.set(response.getUrn(), { urn, types });
        all.push({
          urn,
          type,
          name: request.getName(),
          inputs: unwrapSecrets(pulumi.runtime.deserializeProperties(request.getObject() as never)),
          dependencies: request.getDependenciesList().flatMap((dependency) => urns.get(dependency)?.urn ?? []),
          protect: request.getProtect() ?? false,
          retainOnDelete: request.getRetainondelete() ?? false,
          ignoreChanges: request.getIgnorechangesList(),
        });
      }
      callback(error, response);
    });
  };
  return all;
}

/** Values that are secret in the state are wrapped on the wire; tests compare what is in them. */
function unwrapSecrets(properties: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [key, pulumi.runtime.unwrapRpcSecret(value)]),
  );
}

function run(all: readonly Registration[], outputs: Record<string, unknown>): Run {
  const matching = (type: string, name: string) => all.filter((entry) => entry.type === type && entry.name === name);
  return {
    all,
    outputs,
    one(type, name) {
      const found = matching(type, name);
      if (found.length !== 1) throw new Error(`there are ${found.length} resources ${type} ${name}, not one`);
      return found[0] as Registration;
    },
    of: (type) => all.filter((entry) => entry.type === type),
    has: (type, name) => matching(type, name).length > 0,
  };
}

/** The value of an output, or of whatever contains outputs. */
export function resolved<Value>(value: pulumi.Input<Value>): Promise<pulumi.Unwrap<Value>> {
  return (pulumi.output(value) as unknown as { promise(): Promise<pulumi.Unwrap<Value>> }).promise();
}
