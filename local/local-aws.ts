import { EventEmitter } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "./aws/context.ts";
import type { ResourceRecord } from "./aws/record.ts";
import { Registry } from "./aws/registry.ts";
import { account } from "./aws/resource-type.ts";
import { dnsNameOf } from "./aws/types/balancing.ts";
import { Endpoint } from "./endpoint/endpoint.ts";
import { Balancers, reviveAttachments } from "./parts/balancer/balancers.ts";
import { Firewall } from "./parts/balancer/firewall.ts";
import { Targets } from "./parts/balancer/targets.ts";
import { Waf } from "./parts/balancer/waf.ts";
import { Emulator } from "./parts/dynamo/emulator.ts";
import { tableType } from "./parts/dynamo/tables.ts";
import { Entry } from "./parts/entry.ts";
import { Fronts } from "./parts/front/fronts.ts";
import { Functions } from "./parts/function/functions.ts";
import { Groups } from "./parts/group/groups.ts";
import { type Endpoints, Instances } from "./parts/instance/instances.ts";
import { followInstances } from "./parts/instance/parts.ts";
import { Databases } from "./parts/rds.ts";
import { Queues } from "./parts/queue/queues.ts";
import { Mappings } from "./parts/stream/mappings.ts";
import { makeS3 } from "./parts/s3/local-s3.ts";
import type { S3 } from "./parts/s3/service.ts";
import { Snapshots } from "./parts/snapshot/snapshots.ts";
import { Objects } from "./parts/storage/objects.ts";
import { Secrets } from "./parts/storage/secrets.ts";

export interface LocalAwsOptions {
  /** Folder that everything is kept under. */
  readonly dir: string;
  /** Port of the entry on the loopback address; 0 for a free one. */
  readonly port: number;
  readonly log: (message: string) => void;
}

/** Everything that stands in for AWS on this machine. Emits `stop` when it is asked to end. */
export class LocalAws extends EventEmitter<{ stop: [] }> implements Context {
  readonly dir: string;
  readonly account = account;
  readonly log: (message: string) => void;
  readonly registry: Registry;
  readonly objects: Objects;
  readonly s3: S3;
  readonly secrets: Secrets;
  readonly databases: Databases;
  readonly snapshots: Snapshots;
  readonly dynamodb: Emulator;
  readonly instances: Instances;
  readonly firewall: Firewall;
  readonly waf: Waf;
  readonly targets: Targets;
  readonly balancers: Balancers;
  readonly fronts: Fronts;
  readonly groups: Groups;
  readonly functions: Functions;
  readonly mappings: Mappings;
  readonly queues: Queues;
  readonly entry: Entry;
  /** Set once it is ending, so that nothing is started again. */
  isStopping = false;
  region = process.env.AWS_REGION ?? "us-east-1";
  /** Set by the provider while an engine is attached. */
  tell: (message: string, urn?: string) => void = () => {};
  readonly #endpoint: Endpoint;

  constructor({ dir, port, log }: LocalAwsOptions) {
    super();
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.dir = dir;
    this.log = log;
    this.registry = new Registry(join(dir, "resources"));
    this.objects = new Objects(join(dir, "buckets"));
    this.s3 = makeS3(this);
    this.secrets = new Secrets(join(dir, "secrets"));
    this.#endpoint = new Endpoint(this);
    this.databases = new Databases(this);
    this.snapshots = new Snapshots(join(dir, "snapshots"));
    this.dynamodb = new Emulator(this);
    this.instances = new Instances(join(dir, "instances"), () => this.endpoints);
    this.firewall = new Firewall(this.registry);
    this.waf = new Waf(this);
    this.targets = new Targets(this);
    this.balancers = new Balancers(this);
    this.fronts = new Fronts(this);
    this.groups = new Groups(this);
    this.functions = new Functions(this);
    this.mappings = new Mappings(this);
    this.queues = new Queues(this);
    this.entry = new Entry(this, port);
  }

  get endpoint(): string {
    return this.#endpoint.url;
  }

  get endpoints(): Endpoints {
    return { all: this.endpoint, dynamodb: this.dynamodb.endpoint };
  }

  get entryUrl(): string {
    return this.entry.url;
  }

  /** Opens the entry and the endpoint, and brings back what was there when this folder was last used. */
  async start(): Promise<void> {
    await this.entry.open();
    await this.#endpoint.open();
    await this.dynamodb.settle();
    const hasTables = this.registry.ofType(tableType).length > 0;
    await Promise.all([this.databases.revive(), hasTables && this.dynamodb.start()]);
    await this.balancers.revive();
    await this.fronts.revive();
    await followInstances(this);
    reviveAttachments(this);
    await this.mappings.revive();
    await this.groups.revive();
  }

  /** Stops everything that was started: the ways in first, the database last. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.entry.stop();
    this.fronts.stop();
    this.balancers.stop();
    this.targets.stop();
    // Whatever a function is doing for a mapping is cut short: it is handed over again.
    await Promise.all([this.functions.stop(), this.mappings.stop()]);
    await this.instances.stopAll();
    await Promise.all([this.databases.stop(), this.dynamodb.stop()]);
    this.#endpoint.stop();
  }

  /** Gives up what an update waits for. */
  cancel(): void {
    this.log("the update was cancelled");
    this.functions.cancel();
    this.groups.emit("cancel");
  }

  warn(message: string, urn?: string): void {
    this.log(`warning: ${message}`);
    this.tell(message, urn);
  }

  /** The load balancer that a DNS name belongs to. */
  balancerNamed(dnsName: string): ResourceRecord | undefined {
    const name = dnsName.replace(/\.$/, "").replace(/^dualstack\./, "");
    return this.registry.ofType("aws:lb/loadBalancer:LoadBalancer").find((record) => dnsNameOf(record, this) === name);
  }

  /** Where addresses of AWS are on this machine: local ports by `host:port`. */
  places(): Record<string, number> {
    const addresses = this.entry.describeAddresses().map(({ publicIp, localPort }) => [`${publicIp}:80`, localPort]);
    const balancers = this.balancers.describe().map(({ balancer, port, localPort }) => {
      const record = this.registry.byId("aws:lb/loadBalancer:LoadBalancer", balancer);
      return [`${record ? dnsNameOf(record, this) : ""}:${port}`, localPort];
    });
    const fronts = this.fronts.describe().map(({ domainName, localPort }) => [`${domainName}:80`, localPort]);
    const record = this.entry.describeRecord();
    const entry = record ? [[`${String(record.name)}:80`, this.entry.port]] : [];
    return Object.fromEntries([...addresses, ...balancers, ...fronts, ...entry]) as Record<string, number>;
  }
}
