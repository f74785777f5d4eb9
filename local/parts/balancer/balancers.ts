import { createServer, type Server, type Socket } from "node:net";
import { AwsError } from "../../aws/errors.ts";
import type { Properties, ResourceRecord } from "../../aws/record.ts";
import type { Part } from "../../aws/resource-type.ts";
import type { LocalAws } from "../../local-aws.ts";
import { loopback } from "../../process/ports.ts";
import { ApplicationListener, targetGroupOf } from "./application.ts";
import { addressOf, pipe, refuse } from "./pipe.ts";
import { mayEnter, mayReach } from "./reach.ts";

const balancerType = "aws:lb/loadBalancer:LoadBalancer";
const listenerType = "aws:lb/listener:Listener";

interface OpenListener {
  /** Way in through the balancer's own name. */
  readonly door: Server;
  readonly http: ApplicationListener | undefined;
  /** Clients' connections of a network load balancer, and what waits for their end. */
  readonly flows: Set<Socket>;
}

/** Load balancers: what is open is what listener resources say. */
export class Balancers {
  readonly #aws: LocalAws;
  readonly #open = new Map<string, OpenListener>();

  constructor(aws: LocalAws) {
    this.#aws = aws;
  }

  async revive(): Promise<void> {
    await Promise.all(this.#aws.registry.ofType(listenerType).map((listener) => this.open(listener)));
  }

  /** Opens a listener: on a loopback port of its own, beside the connections that the entry hands over. */
  async open(listener: ResourceRecord): Promise<void> {
    if (this.#open.has(listener.id)) return;
    const isHttp =
      listener.inputs.protocol === "HTTP" || this.#balancerOf(listener)?.inputs.loadBalancerType !== "network";
    const http = isHttp ? new ApplicationListener(this.#aws, listener, () => this.#balancerOf(listener)) : undefined;
    const door = createServer({ allowHalfOpen: !isHttp }, (socket) => this.#admit(listener, socket));
    this.#open.set(listener.id, { door, http, flows: new Set() });
    await new Promise<void>((resolve) => door.listen(0, loopback, resolve));
  }

  close({ id }: ResourceRecord): void {
    const open = this.#open.get(id);
    if (!open) return;
    this.#open.delete(id);
    open.door.close();
    open.http?.close();
    for (const flow of open.flows) flow.destroy();
  }

  /** Hands a client's connection to a port of a balancer; a port without a listener refuses it. */
  accept(balancer: ResourceRecord, port: number, socket: Socket): void {
    const listener = this.#aws.registry
      .ofType(listenerType)
      .find(({ inputs }) => inputs.loadBalancerArn === balancer.id && Number(inputs.port) === port);
    if (listener && this.#open.has(listener.id)) this.#admit(listener, socket);
    else refuse(socket);
  }

  #admit(listener: ResourceRecord, socket: Socket): void {
    const balancer = this.#balancerOf(listener);
    const open = this.#open.get(listener.id);
    const isLetIn = balancer && mayEnter(this.#aws, balancer, addressOf(socket), Number(listener.inputs.port));
    if (!balancer || !open || !isLetIn) refuse(socket);
    else if (open.http) open.http.accept(socket);
    else this.#connect(balancer, listener, open, socket);
  }

  /** A network load balancer picks a target for each connection, and keeps to it. */
  #connect(balancer: ResourceRecord, listener: ResourceRecord, { flows }: OpenListener, socket: Socket): void {
    const [action = {}] = (listener.inputs.defaultActions ?? []) as Properties[];
    const group = targetGroupOf(action);
    const target = this.#aws.targets.pick(group);
    const port = target && this.#aws.instances.localPort(target.id, target.port);
    if (!target || port === undefined || !mayReach(this.#aws, balancer, target)) return refuse(socket);
    const finish = this.#aws.targets.begin(group, target);
    flows.add(socket);
    pipe(socket, port, () => {
      flows.delete(socket);
      finish();
    });
  }

  #balancerOf({ inputs }: ResourceRecord): ResourceRecord | undefined {
    return this.#aws.registry.byId(balancerType, inputs.loadBalancerArn);
  }

  /** Where each listener is open on this machine. */
  describe() {
    return this.#aws.registry.ofType(listenerType).flatMap((listener) => {
      const address = this.#open.get(listener.id)?.door.address();
      if (typeof address !== "object" || !address) return [];
      const balancer = this.#balancerOf(listener);
      return [{ balancer: balancer?.id ?? "", port: Number(listener.inputs.port), localPort: address.port }];
    });
  }

  stop(): void {
    for (const listener of this.#aws.registry.ofType(listenerType)) this.close(listener);
  }
}

export const loadBalancer: Part = {
  delete: ({ inputs, id }) => {
    if (inputs.enableDeletionProtection === true)
      throw new AwsError(
        "OperationNotPermitted",
        `Load balancer '${id}' cannot be deleted because deletion protection is enabled`,
      );
  },
};

export const listener: Part = {
  create: (record, aws) => aws.balancers.open(record),
  delete: (record, aws) => aws.balancers.close(record),
};

/** Returns at once, as on AWS: whether the target is healthy is another question. */
export const targetGroupAttachment: Part = {
  create: ({ inputs }, aws) =>
    aws.targets.register(String(inputs.targetGroupArn), String(inputs.targetId), portOf(inputs, aws)),
  delete: ({ inputs }, aws) =>
    aws.targets.deregister(String(inputs.targetGroupArn), String(inputs.targetId), portOf(inputs, aws)),
};

function portOf({ port, targetGroupArn }: Properties, aws: LocalAws): number {
  const group = aws.registry.byId("aws:lb/targetGroup:TargetGroup", targetGroupArn);
  return Number(port ?? group?.inputs.port ?? 80);
}

/** Registers again what was attached, and was not taken out by a call since. */
export function reviveAttachments(aws: LocalAws): void {
  for (const record of aws.registry.ofType("aws:lb/targetGroupAttachment:TargetGroupAttachment")) {
    const { inputs, state } = record;
    if (state.isDeregistered !== true)
      aws.targets.register(String(inputs.targetGroupArn), String(inputs.targetId), portOf(inputs, aws));
  }
}
