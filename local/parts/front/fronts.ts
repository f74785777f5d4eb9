import { createServer, type Server, type Socket } from "node:net";
import type { ResourceRecord } from "../../aws/record.ts";
import type { Part } from "../../aws/resource-type.ts";
import { domainNameOf } from "../../aws/types/delivery.ts";
import { arn } from "../../aws/resource-type.ts";
import type { LocalAws } from "../../local-aws.ts";
import { loopback } from "../../process/ports.ts";
import { Distribution, namesOf } from "./distribution.ts";

const type = "aws:cloudfront/distribution:Distribution";

interface OpenFront {
  /** Way in through the distribution's own name. */
  readonly door: Server;
  readonly distribution: Distribution;
}

/** CloudFront: a distribution each, with nothing kept beyond a restart but its settings. */
export class Fronts {
  readonly #aws: LocalAws;
  readonly #open = new Map<string, OpenFront>();

  constructor(aws: LocalAws) {
    this.#aws = aws;
  }

  async revive(): Promise<void> {
    await Promise.all(this.#aws.registry.ofType(type).map((record) => this.open(record)));
  }

  async open(record: ResourceRecord): Promise<void> {
    if (this.#open.has(record.id)) return;
    const distribution = this.#make(record);
    const door = createServer((socket) => this.#open.get(record.id)?.distribution.accept(socket));
    this.#open.set(record.id, { door, distribution });
    await new Promise<void>((resolve) => door.listen(0, loopback, resolve));
  }

  /** Serves new connections as the record now says; those that exist end with the answer they wait for. */
  renew(record: ResourceRecord): void {
    const open = this.#open.get(record.id);
    if (!open) return;
    this.#open.set(record.id, { door: open.door, distribution: this.#make(record) });
    open.distribution.close();
  }

  close({ id }: ResourceRecord): void {
    const open = this.#open.get(id);
    if (!open) return;
    this.#open.delete(id);
    open.door.close();
    open.distribution.close();
  }

  #make(record: ResourceRecord): Distribution {
    const names = namesOf(record.inputs, domainNameOf(record));
    return new Distribution(this.#aws, record, { arn: arnOf(record, this.#aws), names });
  }

  /** Hands a viewer's connection to the distribution of that name; false when there is none. */
  accept(domainName: string, socket: Socket): boolean {
    const name = domainName.replace(/\.$/, "");
    const record = this.#aws.registry.ofType(type).find((each) => domainNameOf(each) === name);
    const open = record && this.#open.get(record.id);
    open?.distribution.accept(socket);
    return open !== undefined;
  }

  /** Where each distribution is on this machine. */
  describe() {
    return this.#aws.registry.ofType(type).flatMap((record) => {
      const address = this.#open.get(record.id)?.door.address();
      if (typeof address !== "object" || !address) return [];
      return [{ domainName: domainNameOf(record), localPort: address.port }];
    });
  }

  stop(): void {
    for (const record of this.#aws.registry.ofType(type)) this.close(record);
  }
}

export function arnOf(record: ResourceRecord, aws: { readonly region: string }): string {
  return arn(aws, "cloudfront", `distribution/${record.id}`, "global");
}

export const distribution: Part = {
  create: (record, aws) => aws.fronts.open(record),
  update: (record, _before, aws) => aws.fronts.renew(record),
  delete: (record, aws) => aws.fronts.close(record),
};
