/** Properties of a resource as they travel between engine and provider: plain JSON. */
export type Properties = Record<string, unknown>;

/** What is remembered of one resource; one JSON file each. */
export interface ResourceRecord {
  readonly urn: string;
  /** Pulumi type token, such as `aws:ec2/vpc:Vpc`. */
  readonly type: string;
  /** Logical name. */
  readonly name: string;
  /** How many resources of this URN there were before: a replacement differs from what it replaces. */
  readonly generation: number;
  /** Provider id, such as `vpc-0a1b2c…`. */
  readonly id: string;
  inputs: Properties;
  /** What a real part keeps across restarts: ports, versions, instances. */
  state: Properties;
  /**
   * Whether the engine has named this resource by its id since it was made. If not, and the engine asks for the same
   * URN to be created, then the answer to the first request never arrived.
   */
  known: boolean;
}

/** The logical name and type inside a URN: `urn:pulumi:stack::project::parent$type::name`. */
export function parseUrn(urn: string): { type: string; name: string } {
  const [, , types = "", ...name] = urn.split("::");
  return { type: types.split("$").at(-1) ?? "", name: name.join("::") };
}
