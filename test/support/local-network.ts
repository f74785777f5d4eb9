import type { Properties } from "../../local/aws/record.ts";
import type { Outcome } from "../../local/provider/operations.ts";
import { standInUserData, type TestAws } from "./local-aws.ts";
import { until } from "./wait.ts";

export const types = {
  balancer: "aws:lb/loadBalancer:LoadBalancer",
  listener: "aws:lb/listener:Listener",
  targetGroup: "aws:lb/targetGroup:TargetGroup",
  attachment: "aws:lb/targetGroupAttachment:TargetGroupAttachment",
  instance: "aws:ec2/instance:Instance",
  group: "aws:ec2/securityGroup:SecurityGroup",
  ingress: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  egress: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  eip: "aws:ec2/eip:Eip",
  association: "aws:ec2/eipAssociation:EipAssociation",
  record: "aws:route53/record:Record",
  template: "aws:ec2/launchTemplate:LaunchTemplate",
  fleet: "aws:autoscaling/group:Group",
} as const;

const http = { ipProtocol: "tcp", fromPort: 80, toPort: 80 };

/** A balancer that the world may enter, and a target group behind it, as the program makes them in phase 2. */
export class TestNetwork {
  readonly test: TestAws;
  readonly name: string;
  balancerGroup!: Outcome;
  serverGroup!: Outcome;
  balancer!: Outcome;
  targets!: Outcome;
  listener!: Outcome;

  private constructor(test: TestAws, name: string) {
    this.test = test;
    this.name = name;
  }

  static async make(
    test: TestAws,
    name: string,
    {
      kind = "application",
      targets = {},
      balancer = {},
    }: { kind?: string; targets?: Properties; balancer?: Properties } = {},
  ): Promise<TestNetwork> {
    const network = new TestNetwork(test, name);
    const protocol = kind === "application" ? "HTTP" : "TCP";
    network.balancerGroup = await test.create(types.group, `${name}-balancer`, { vpcId: "vpc-1" });
    network.serverGroup = await test.create(types.group, `${name}-servers`, { vpcId: "vpc-1" });
    const [outside, inside] = [network.balancerGroup.id, network.serverGroup.id];
    await network.allow("world", types.ingress, { securityGroupId: outside, cidrIpv4: "0.0.0.0/0" });
    await network.allow("out", types.egress, { securityGroupId: outside, referencedSecurityGroupId: inside });
    await network.allow("in", types.ingress, { securityGroupId: inside, referencedSecurityGroupId: outside });
    network.balancer = await test.create(types.balancer, name, {
      loadBalancerType: kind,
      securityGroups: [outside],
      subnets: ["subnet-1", "subnet-2"],
      ...balancer,
    });
    network.targets = await test.create(types.targetGroup, name, {
      port: 80,
      protocol,
      vpcId: "vpc-1",
      deregistrationDelay: 5,
      healthCheck: {
        protocol: "HTTP",
        path: "/health",
        interval: 0.2,
        timeout: 1,
        healthyThreshold: 2,
        unhealthyThreshold: 2,
      },
      ...targets,
    });
    await network.listen({ type: "forward", targetGroupArn: network.targets.id });
    return network;
  }

  allow(role: string, type: string, rule: Properties): Promise<Outcome> {
    return this.test.create(type, `${this.name}-${role}`, { ...http, ...rule });
  }

  async listen(action: Properties): Promise<void> {
    this.listener = await this.test.create(types.listener, this.name, {
      loadBalancerArn: this.balancer.id,
      port: 80,
      protocol: this.balancer.inputs.loadBalancerType === "application" ? "HTTP" : "TCP",
      defaultActions: [action],
    });
  }

  /** The balancer's own way in. */
  get port(): number {
    const { localPort } =
      this.test.aws.balancers.describe().find(({ balancer }) => balancer === this.balancer.id) ?? {};
    if (localPort === undefined) throw new Error("the balancer has no listener");
    return localPort;
  }

  /** A server that runs the stand-in, in the servers' security group. */
  server(name: string, environment: Record<string, string> = {}): Promise<Outcome> {
    return this.test.create(types.instance, `${this.name}-${name}`, {
      ami: "ami-1",
      userData: standInUserData(environment),
      vpcSecurityGroupIds: [this.serverGroup.id],
    });
  }

  attach(name: string, { id }: Outcome): Promise<Outcome> {
    const inputs = { targetGroupArn: this.targets.id, targetId: id, port: 80 };
    return this.test.create(types.attachment, `${this.name}-${name}`, inputs);
  }

  state(id: string): string | undefined {
    return this.test.aws.targets.list(this.targets.id).find((target) => target.id === id)?.state;
  }

  async becomes(id: string, state: string | undefined, timeout = 10_000): Promise<void> {
    const describe = `${id} is ${state ?? "gone"}`;
    await until(() => this.state(id) === state, { describe, timeout });
  }

  /** A server behind the balancer that has become healthy. */
  async healthyServer(name: string, environment?: Record<string, string>): Promise<Outcome> {
    const server = await this.server(name, environment);
    await this.attach(name, server);
    await this.becomes(server.id, "healthy");
    return server;
  }
}
