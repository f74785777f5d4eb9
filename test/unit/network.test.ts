import assert from "node:assert/strict";
import { Network } from "../../components/network.ts";
import { resolved, runProgram } from "../support/program.ts";

const zones = ["us-east-1a", "us-east-1b"];

describe("network", () => {
  it("has every tier at fixed ranges, with and without NAT", async () => {
    const without = await runProgram(() => void new Network("chirp", { zones, nat: false }));
    const withNat = await runProgram(() => void new Network("chirp", { zones, nat: true }));
    const { natGateways, ...rest } = without.one("awsx:ec2:Vpc", "chirp-vpc").inputs;
    const { natGateways: later, ...restLater } = withNat.one("awsx:ec2:Vpc", "chirp-vpc").inputs;
    assert.deepEqual(natGateways, { strategy: "None" });
    assert.deepEqual(later, { strategy: "OnePerAz" });
    assert.deepEqual(rest, restLater);
    assert.deepEqual(rest.subnetSpecs, [
      { type: "Public", name: "public", cidrBlocks: ["10.0.0.0/20", "10.0.16.0/20"] },
      { type: "Private", name: "app", cidrBlocks: ["10.0.64.0/20", "10.0.80.0/20"] },
      { type: "Isolated", name: "data", cidrBlocks: ["10.0.128.0/20", "10.0.144.0/20"] },
    ]);
  });

  it("leaves the ranges of existing zones alone when there are more", async () => {
    const ranges = async (count: number) => {
      const some = ["a", "b", "c", "d"].slice(0, count).map((letter) => `us-east-1${letter}`);
      const run = await runProgram(() => void new Network("chirp", { zones: some, nat: false }));
      const specs = run.one("awsx:ec2:Vpc", "chirp-vpc").inputs.subnetSpecs as { cidrBlocks: string[] }[];
      return specs.map(({ cidrBlocks }) => cidrBlocks.slice(0, 2));
    };
    assert.deepEqual(await ranges(4), await ranges(2));
  });

  it("gives the ids of each tier", async () => {
    let network: Network | undefined;
    await runProgram(() => {
      network = new Network("chirp", { zones, nat: false });
    });
    assert.ok(network);
    assert.equal(await resolved(network.vpcId), "chirp-vpc-id");
    assert.deepEqual(await resolved(network.publicSubnetIds), ["public-1", "public-2"]);
    assert.deepEqual(await resolved(network.appSubnetIds), ["app-1", "app-2"]);
    assert.deepEqual(await resolved(network.dataSubnetIds), ["data-1", "data-2"]);
  });

  it("has an endpoint for DynamoDB on the app tier's route tables alone, where that is asked for", async () => {
    const type = "aws:ec2/vpcEndpoint:VpcEndpoint";
    const without = await runProgram(() => void new Network("chirp", { zones, nat: true }));
    const run = await runProgram(() => void new Network("chirp", { zones, nat: true, dynamodb: "eu-central-1" }));
    assert.deepEqual(without.of(type), []);
    assert.deepEqual(run.one(type, "chirp-dynamodb-endpoint").inputs, {
      vpcId: "chirp-vpc-id",
      serviceName: "com.amazonaws.eu-central-1.dynamodb",
      vpcEndpointType: "Gateway",
      routeTableIds: ["table-of-app-1", "table-of-app-2"],
      tags: { Name: "chirp-dynamodb" },
    });
    assert.deepEqual(run.one("awsx:ec2:Vpc", "chirp-vpc").inputs, without.one("awsx:ec2:Vpc", "chirp-vpc").inputs);
  });

  it("names its ways out: gateways, routes and what leads to them", async () => {
    let network: Network | undefined;
    await runProgram(() => {
      network = new Network("chirp", { zones, nat: true });
    });
    assert.ok(network);
    const urns = await Promise.all((await resolved(network.waysOut)).map(({ urn }) => resolved(urn)));
    assert.equal(urns.filter((urn) => /natGateway:NatGateway|route:Route:/.test(urn)).length, 2);
    assert.equal(urns.filter((urn) => /routeTableAssociation/.test(urn)).length, 6);
  });
});
