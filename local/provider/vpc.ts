import type { Properties } from "../aws/record.ts";
import type { Registered, ResourceMonitor } from "./engine.ts";
import { layOut, type Subnet, type SubnetSpec } from "./subnets.ts";
import { reference } from "./values.ts";

/** What `awsx.ec2.Vpc` is told by the program. */
interface VpcArgs {
  readonly availabilityZoneNames?: readonly string[];
  readonly availabilityZoneCidrMask?: number;
  readonly cidrBlock?: string;
  readonly natGateways?: {
    readonly strategy?: "None" | "Single" | "OnePerAz";
    readonly elasticIpAllocationIds?: readonly string[];
  };
  readonly subnetSpecs?: readonly SubnetSpec[];
  readonly subnetStrategy?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** Arguments that go to the network itself. */
const networkArgs = ["enableDnsHostnames", "enableDnsSupport", "instanceTenancy", "enableNetworkAddressUsageMetrics"];
const ownArgs = ["availabilityZoneNames", "availabilityZoneCidrMask", "cidrBlock", "natGateways", "subnetSpecs"];
const served = [...networkArgs, ...ownArgs, "subnetStrategy", "tags"];

interface Parts {
  readonly spec: Subnet;
  readonly subnet: Registered;
  readonly routeTable: Registered;
  readonly association: Registered;
  readonly route?: Registered;
  readonly eip?: Registered;
  readonly natGateway?: Registered;
}

/**
 * Registers what is inside an `awsx:ec2:Vpc`, under the names and parents that awsx 3 gives it.
 *
 * @param component the component's URN.
 * @returns the component's outputs.
 * @throws when an argument asks for something that is not served here.
 */
export async function registerVpc(
  monitor: ResourceMonitor,
  component: string,
  name: string,
  args: VpcArgs & Properties,
): Promise<Properties> {
  refuseUnserved(args);
  const cidrBlock = args.cidrBlock ?? "10.0.0.0/16";
  const tags = { Name: name, ...args.tags };
  const vpc = await monitor.register({
    type: "aws:ec2/vpc:Vpc",
    name,
    parent: component,
    inputs: { ...pick(args, networkArgs), cidrBlock, tags },
  });
  const gateway = await monitor.register({
    type: "aws:ec2/internetGateway:InternetGateway",
    name,
    parent: vpc.urn,
    inputs: { vpcId: vpc.id, tags },
    dependsOn: [vpc.urn],
  });
  const subnets = layOut({
    vpcName: name,
    cidrBlock,
    zones: args.availabilityZoneNames ?? [],
    specs: args.subnetSpecs ?? [],
    zoneMask: args.availabilityZoneCidrMask,
  });
  const registerAll = (types: readonly Subnet["type"][], gateways: readonly Registered[]) =>
    Promise.all(
      subnets
        .filter(({ type }) => types.includes(type))
        .map((spec) => registerSubnet(monitor, args, { vpcName: name, vpc, gateway, spec, gateways, tags })),
    );
  // The private tiers' routes lead through the gateways in the public one.
  const open = await registerAll(["Public"], []);
  const inner = await registerAll(
    ["Private", "Isolated"],
    open.flatMap(({ natGateway }) => natGateway ?? []),
  );
  return outputs(vpc, gateway, [...open, ...inner]);
}

interface Around {
  readonly vpcName: string;
  readonly vpc: Registered;
  readonly gateway: Registered;
  readonly spec: Subnet;
  readonly gateways: readonly Registered[];
  readonly tags: Readonly<Record<string, string>>;
}

async function registerSubnet(monitor: ResourceMonitor, args: VpcArgs, around: Around): Promise<Parts> {
  const { vpc, gateway, spec, gateways } = around;
  const { name, type, zoneIndex } = spec;
  const tags = { ...around.tags, Name: name, SubnetType: type };
  const register = (
    kind: string,
    parent: Registered,
    inputs: Properties,
    dependsOn: (Registered | undefined)[] = [],
  ) => {
    const urns = [parent, ...dependsOn].flatMap((resource) => resource?.urn ?? []);
    return monitor.register({ type: kind, name, parent: parent.urn, inputs, dependsOn: urns });
  };
  const subnet = await register("aws:ec2/subnet:Subnet", vpc, {
    vpcId: vpc.id,
    availabilityZone: spec.zone,
    mapPublicIpOnLaunch: type === "Public",
    cidrBlock: spec.cidrBlock,
    tags: { ...around.tags, ...spec.tags, Name: name, SubnetType: type },
  });
  const routeTable = await register("aws:ec2/routeTable:RouteTable", subnet, { vpcId: vpc.id, tags }, [vpc]);
  const association = register(
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    routeTable,
    { routeTableId: routeTable.id, subnetId: subnet.id },
    [subnet],
  );
  const natGateway = gateways[strategyOf(args) === "Single" ? 0 : zoneIndex];
  const target = type === "Public" ? gateway : type === "Private" ? natGateway : undefined;
  const way = type === "Public" ? { gatewayId: gateway.id } : { natGatewayId: natGateway?.id };
  const destination = { routeTableId: routeTable.id, destinationCidrBlock: "0.0.0.0/0" };
  const route = target && register("aws:ec2/route:Route", routeTable, { ...destination, ...way }, [target]);
  const strategy = strategyOf(args);
  const hasNat = type === "Public" && (strategy === "OnePerAz" || (strategy === "Single" && zoneIndex === 0));
  const nat = hasNat ? await registerNat(monitor, args, subnet, `${around.vpcName}-${zoneIndex + 1}`, zoneIndex) : {};
  return { spec, subnet, routeTable, association: await association, route: await route, ...nat };
}

async function registerNat(
  monitor: ResourceMonitor,
  args: VpcArgs,
  subnet: Registered,
  name: string,
  zoneIndex: number,
): Promise<Pick<Parts, "eip" | "natGateway">> {
  const given = args.natGateways?.elasticIpAllocationIds?.[zoneIndex];
  const tags = { ...args.tags, Name: name };
  const common = { name, parent: subnet.urn };
  const eip = given
    ? undefined
    : await monitor.register({ ...common, type: "aws:ec2/eip:Eip", inputs: { tags }, dependsOn: [subnet.urn] });
  const natGateway = await monitor.register({
    ...common,
    type: "aws:ec2/natGateway:NatGateway",
    inputs: { subnetId: subnet.id, allocationId: given ?? eip?.id, tags },
    dependsOn: [subnet.urn, ...(eip ? [eip.urn] : [])],
  });
  return { eip, natGateway };
}

function outputs(vpc: Registered, gateway: Registered, parts: readonly Parts[]): Properties {
  // awsx goes through the zones one by one, with the public subnet of each zone first.
  const ordered = parts.toSorted((a, b) => a.spec.zoneIndex - b.spec.zoneIndex);
  const idsOf = (type: Subnet["type"]) =>
    ordered.filter(({ spec }) => spec.type === type).map(({ subnet }) => subnet.id);
  const subnetsOf = (type: Subnet["type"]) =>
    ordered.filter(({ spec }) => spec.type === type).map(({ subnet }) => refer(subnet));
  const all = (kind: keyof Omit<Parts, "spec">) => ordered.flatMap((part) => part[kind] ?? []).map(refer);
  return {
    vpcId: vpc.id,
    publicSubnetIds: idsOf("Public"),
    privateSubnetIds: idsOf("Private"),
    isolatedSubnetIds: idsOf("Isolated"),
    vpc: refer(vpc),
    internetGateway: refer(gateway),
    subnets: all("subnet"),
    publicSubnets: subnetsOf("Public"),
    privateSubnets: subnetsOf("Private"),
    isolatedSubnets: subnetsOf("Isolated"),
    routeTables: all("routeTable"),
    routeTableAssociations: all("association"),
    routes: all("route"),
    natGateways: all("natGateway"),
    eips: all("eip"),
    vpcEndpoints: [],
  };
}

function refer({ urn, id }: Registered): Properties {
  return reference(urn, id);
}

function strategyOf({ natGateways }: VpcArgs): "None" | "Single" | "OnePerAz" {
  return natGateways?.strategy ?? "OnePerAz";
}

function refuseUnserved(args: VpcArgs & Properties): void {
  const problems = Object.keys(args)
    .filter((argument) => !served.includes(argument) && args[argument] !== undefined)
    .map((argument) => `it does not serve the argument ${argument}`);
  if (!args.availabilityZoneNames?.length) problems.push("availabilityZoneNames must name the zones");
  if (!args.subnetSpecs?.length) problems.push("subnetSpecs must list the tiers");
  const explicit = args.subnetSpecs?.every(({ cidrBlocks }) => cidrBlocks !== undefined);
  if (!explicit && args.subnetStrategy !== "Auto" && args.subnetStrategy !== "Exact")
    problems.push(`subnetStrategy must be Auto or Exact, not ${args.subnetStrategy ?? "awsx's default, Legacy"}`);
  if (problems.length > 0) throw new Error(`awsx.ec2.Vpc on the local AWS: ${problems.join("; ")}`);
}

function pick(args: Properties, names: readonly string[]): Properties {
  return Object.fromEntries(names.filter((name) => args[name] !== undefined).map((name) => [name, args[name]]));
}
