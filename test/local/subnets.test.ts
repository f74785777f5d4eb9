import assert from "node:assert/strict";
import { layOut, type SubnetSpec } from "../../local/provider/subnets.ts";

const ranges = (zones: string[], specs: SubnetSpec[], more = {}) =>
  layOut({ vpcName: "vpc", cidrBlock: "10.0.0.0/16", zones, specs, ...more }).map(({ name, cidrBlock }) => [
    name,
    cidrBlock,
  ]);

describe("subnets as awsx lays them out", () => {
  it("divides a network evenly between zones, and a zone between tiers", () => {
    assert.deepEqual(ranges(["a", "b"], [{ type: "Private" }, { type: "Public" }]), [
      ["vpc-private-1", "10.0.0.0/18"],
      ["vpc-public-1", "10.0.64.0/18"],
      ["vpc-private-2", "10.0.128.0/18"],
      ["vpc-public-2", "10.0.192.0/18"],
    ]);
  });

  it("moves ranges with the number of zones, unless each zone's share is fixed", () => {
    const specs: SubnetSpec[] = [{ type: "Private" }, { type: "Public" }];
    const second = (zones: string[], more = {}) => ranges(zones, specs, more)[2];
    assert.deepEqual(second(["a", "b"]), ["vpc-private-2", "10.0.128.0/18"]);
    assert.deepEqual(second(["a", "b", "c"]), ["vpc-private-2", "10.0.64.0/19"]);
    const fixed = { zoneMask: 18 };
    assert.deepEqual(second(["a", "b"], fixed), second(["a", "b", "c"], fixed));
  });

  it("starts a range at a multiple of its size, and leaves a gap before it", () => {
    const specs: SubnetSpec[] = [
      { type: "Isolated", name: "small", cidrMask: 24 },
      { type: "Private", name: "large", cidrMask: 20 },
      { type: "Public", size: 256 },
    ];
    assert.deepEqual(ranges(["a"], specs), [
      ["vpc-small-1", "10.0.0.0/24"],
      ["vpc-large-1", "10.0.16.0/20"],
      ["vpc-public-1", "10.0.32.0/24"],
    ]);
  });

  it("takes explicit ranges as they are", () => {
    const specs: SubnetSpec[] = [{ type: "Public", cidrBlocks: ["10.0.0.0/20", "10.0.16.0/20"] }];
    assert.deepEqual(ranges(["a", "b"], specs), [
      ["vpc-public-1", "10.0.0.0/20"],
      ["vpc-public-2", "10.0.16.0/20"],
    ]);
  });
});
