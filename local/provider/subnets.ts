/** A kind of subnet to be made in every zone, as `awsx.ec2.Vpc` takes it. */
export interface SubnetSpec {
  readonly type: "Public" | "Private" | "Isolated" | "Unused";
  readonly name?: string;
  readonly cidrMask?: number;
  /** Explicit ranges, one for each zone. */
  readonly cidrBlocks?: readonly string[];
  readonly size?: number;
  readonly tags?: Record<string, string>;
}

export interface Subnet {
  /** `<vpc>-<spec>-<number of the zone>`: the logical name that awsx gives it. */
  readonly name: string;
  readonly type: SubnetSpec["type"];
  readonly zone: string;
  /** Counted from 0. */
  readonly zoneIndex: number;
  readonly cidrBlock: string;
  readonly tags: Record<string, string>;
}

export interface Layout {
  readonly vpcName: string;
  readonly cidrBlock: string;
  readonly zones: readonly string[];
  readonly specs: readonly SubnetSpec[];
  /** Bits of each zone's share of the network. @default an even division */
  readonly zoneMask?: number;
}

/** Lays subnets out as awsx does with the strategy `Auto`, or as given where ranges are explicit. */
export function layOut({ vpcName, cidrBlock, zones, specs, zoneMask }: Layout): Subnet[] {
  const [base = "", bits = "16"] = cidrBlock.split("/");
  const zoneBits = zoneMask ?? Number(bits) + bitsFor(zones.length);
  const defaultBits = zoneBits + bitsFor(specs.length);
  return zones.flatMap((zone, zoneIndex) => {
    let next = toNumber(base) + zoneIndex * sizeOf(zoneBits);
    return specs.map((spec) => {
      const mask = spec.cidrMask ?? (spec.size ? 32 - Math.log2(spec.size) : defaultBits);
      // A range starts at a multiple of its size; what is left before it stays free.
      const start = Math.ceil(next / sizeOf(mask)) * sizeOf(mask);
      next = start + sizeOf(mask);
      return {
        name: `${vpcName}-${spec.name ?? spec.type.toLowerCase()}-${zoneIndex + 1}`,
        type: spec.type,
        zone,
        zoneIndex,
        cidrBlock: spec.cidrBlocks?.[zoneIndex] ?? `${toAddress(start)}/${mask}`,
        tags: spec.tags ?? {},
      };
    });
  });
}

function bitsFor(count: number): number {
  return count === 0 ? 0 : Math.ceil(Math.log2(count));
}

function sizeOf(mask: number): number {
  return 2 ** (32 - mask);
}

function toNumber(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
