import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Vpc } from "@pulumi/awsx/ec2/vpc.js";

/** Arguments of `Network`. */
export interface NetworkArgs {
  /** Availability zones, 2 to 4. Their order decides which subnet lies where, so it never changes. */
  readonly zones: readonly string[];
  /** Whether the app tier reaches the internet, through one NAT gateway per zone. */
  readonly nat: boolean;
  /**
   * Region whose DynamoDB the app tier reaches through a gateway endpoint: without NAT's price for each gigabyte, and
   * without leaving Amazon's network.
   *
   * @default none
   */
  readonly dynamodb?: string | undefined;
}

/**
 * Three tiers of four /20 blocks each, one block per zone; 10.0.192.0/18 stays free. The blocks are written down, not
 * computed, because a subnet whose range moves is replaced, and the database with it.
 */
const tiers = {
  public: ["10.0.0.0/20", "10.0.16.0/20", "10.0.32.0/20", "10.0.48.0/20"],
  app: ["10.0.64.0/20", "10.0.80.0/20", "10.0.96.0/20", "10.0.112.0/20"],
  data: ["10.0.128.0/20", "10.0.144.0/20", "10.0.160.0/20", "10.0.176.0/20"],
} as const;

/**
 * The VPC with the subnet tiers of every phase, at fixed ranges from the first update on. Later phases change only
 * NAT gateways and routes.
 */
export class Network extends pulumi.ComponentResource {
  /** Id of the VPC. */
  readonly vpcId: pulumi.Output<string>;
  /** Ids of the public subnets, in the order of the zones: load balancers, and the single server. */
  readonly publicSubnetIds: pulumi.Output<string[]>;
  /** Ids of the private subnets for servers, in the order of the zones. */
  readonly appSubnetIds: pulumi.Output<string[]>;
  /** Ids of the subnets without any way out, in the order of the zones: databases. */
  readonly dataSubnetIds: pulumi.Output<string[]>;
  /** What the app tier's way to the internet consists of, for those who need it to their very end. */
  readonly waysOut: pulumi.Output<pulumi.Resource[]>;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:network:Network", name, {}, opts);
    const blocks = (tier: keyof typeof tiers) => tiers[tier].slice(0, args.zones.length);
    const vpc = new Vpc(
      `${name}-vpc`,
      {
        cidrBlock: "10.0.0.0/16",
        availabilityZoneNames: [...args.zones],
        enableDnsHostnames: true,
        // Left out, awsx would fall back to another layout and to NAT gateways nobody asked for.
        subnetStrategy: "Auto",
        subnetSpecs: [
          { type: "Public", name: "public", cidrBlocks: blocks("public") },
          { type: "Private", name: "app", cidrBlocks: blocks("app") },
          // Isolated, not Private: databases must not get a route through NAT when phase 3 brings it.
          { type: "Isolated", name: "data", cidrBlocks: blocks("data") },
        ],
        natGateways: { strategy: args.nat ? "OnePerAz" : "None" },
      },
      { parent: this },
    );
    this.vpcId = vpc.vpcId;
    this.publicSubnetIds = vpc.publicSubnetIds;
    this.appSubnetIds = vpc.privateSubnetIds;
    this.dataSubnetIds = vpc.isolatedSubnetIds;
    this.waysOut = pulumi.all([vpc.natGateways, vpc.routes, vpc.routeTableAssociations]).apply((kinds) => kinds.flat());
    if (args.dynamodb !== undefined)
      new aws.ec2.VpcEndpoint(
        `${name}-dynamodb-endpoint`,
        {
          vpcId: vpc.vpcId,
          serviceName: `com.amazonaws.${args.dynamodb}.dynamodb`,
          vpcEndpointType: "Gateway",
          routeTableIds: routeTablesOf(vpc, vpc.privateSubnetIds),
          tags: { Name: `${name}-dynamodb` },
        },
        { parent: this },
      );
    this.registerOutputs({ vpcId: this.vpcId });
  }
}

/** Ids of the route tables of some subnets, in the order of the subnets. */
function routeTablesOf(vpc: Vpc, subnetIds: pulumi.Output<string[]>): pulumi.Output<string[]> {
  const pairs = vpc.routeTableAssociations.apply((associations) =>
    pulumi.all(associations.map(({ subnetId, routeTableId }) => pulumi.all([subnetId, routeTableId]))),
  );
  return pulumi.all([subnetIds, pairs]).apply(([ids, found]) => {
    const tables = new Map(found);
    return ids.flatMap((id) => tables.get(id) ?? []);
  });
}
