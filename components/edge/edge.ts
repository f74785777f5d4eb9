import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { Door } from "../compute/machine.ts";
import { BlockingAcl } from "./acl.ts";
import type { GuardArgs } from "./rules.ts";
import { Waf } from "./waf.ts";

/** Arguments of `Edge`. */
export interface EdgeArgs {
  /** `alb`: HTTP, guarded by WAF. `nlb`: TCP, guarded by the public subnets' network ACL. */
  readonly kind: "alb" | "nlb";
  readonly vpcId: pulumi.Input<string>;
  /** Public subnets, in the order of `zones`. */
  readonly subnetIds: pulumi.Output<string[]>;
  readonly zones: readonly string[];
  /** Set when the balancer is made: a network load balancer that starts without one can never have one. */
  readonly securityGroupId: pulumi.Input<string>;
  /** ACM certificate for HTTPS. */
  readonly certificateArn: string | undefined;
  /** IPv4 ranges that are turned away. */
  readonly blockedIps: readonly string[];
  /** Requests in five minutes after which an alb's WAF turns one address away. */
  readonly rateLimit: number;
  /** Header and value of requests that come through CloudFront, which has counted them already. @default none */
  readonly countedElsewhere?: GuardArgs["countedElsewhere"];
  /** Seconds for which a client's connection may live; an alb allows no less than 60. */
  readonly connectionAge: number;
}

/** The only open door: one load balancer and one target group, which stay the same from phase 2 on. */
export class Edge extends pulumi.ComponentResource {
  /** How clients reach it. */
  readonly door: Door;
  readonly targetGroupArn: pulumi.Output<string>;

  constructor(name: string, args: EdgeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:edge:Edge", name, {}, opts);
    const balancer = createBalancer(name, args, this);
    const targets = createTargets(name, args, this);
    createListeners(name, args, balancer, targets, this);
    if (args.kind === "alb") new Waf(name, { ...args, balancerArn: balancer.arn }, { parent: this });
    else new BlockingAcl(name, args, { parent: this });
    this.door = { address: balancer.dnsName, aliasZoneId: balancer.zoneId };
    this.targetGroupArn = targets.arn;
    this.registerOutputs({ targetGroupArn: this.targetGroupArn });
  }
}

function createBalancer(name: string, args: EdgeArgs, parent: pulumi.Resource): aws.lb.LoadBalancer {
  const http = {
    // Below the servers' own 75 seconds, so that they never close a connection the balancer is about to use.
    idleTimeout: 60,
    clientKeepAlive: Math.max(60, args.connectionAge),
    dropInvalidHeaderFields: true,
  };
  return new aws.lb.LoadBalancer(
    `${name}-balancer`,
    {
      loadBalancerType: args.kind === "alb" ? "application" : "network",
      internal: false,
      ipAddressType: "ipv4",
      subnets: args.subnetIds,
      securityGroups: [args.securityGroupId],
      enableCrossZoneLoadBalancing: true,
      ...(args.kind === "alb" ? http : {}),
    },
    { parent },
  );
}

function createTargets(name: string, args: EdgeArgs, parent: pulumi.Resource): aws.lb.TargetGroup {
  return new aws.lb.TargetGroup(
    `${name}-targets`,
    {
      vpcId: args.vpcId,
      targetType: "instance",
      protocol: args.kind === "alb" ? "HTTP" : "TCP",
      port: 80,
      // Liveness, which the database has no part in: else its failover would end every server at once.
      healthCheck: {
        protocol: "HTTP",
        path: "/health",
        port: "traffic-port",
        interval: 5,
        timeout: 4,
        healthyThreshold: 2,
        unhealthyThreshold: 2,
      },
      // An alb knows its requests; an nlb knows connections only, which the servers close at the connection age.
      deregistrationDelay: args.kind === "alb" ? 30 : args.connectionAge + 10,
      ...(args.kind === "nlb" ? { preserveClientIp: "true" } : {}),
    },
    { parent },
  );
}

function createListeners(
  name: string,
  args: EdgeArgs,
  balancer: aws.lb.LoadBalancer,
  targets: aws.lb.TargetGroup,
  parent: pulumi.Resource,
): void {
  const forward = { type: "forward", targetGroupArn: targets.arn };
  const redirect = { type: "redirect", redirect: { protocol: "HTTPS", port: "443", statusCode: "HTTP_301" } };
  const https = args.certificateArn !== undefined;
  new aws.lb.Listener(
    `${name}-http`,
    {
      loadBalancerArn: balancer.arn,
      port: 80,
      protocol: args.kind === "alb" ? "HTTP" : "TCP",
      // A network load balancer can't redirect.
      defaultActions: [https && args.kind === "alb" ? redirect : forward],
    },
    { parent },
  );
  if (https)
    new aws.lb.Listener(
      `${name}-https`,
      {
        loadBalancerArn: balancer.arn,
        port: 443,
        protocol: args.kind === "alb" ? "HTTPS" : "TLS",
        sslPolicy: "ELBSecurityPolicy-TLS13-1-2-2021-06",
        certificateArn: args.certificateArn,
        defaultActions: [forward],
      },
      { parent },
    );
}
