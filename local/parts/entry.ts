import { createServer, type Server, type Socket } from "node:net";
import type { ResourceRecord } from "../aws/record.ts";
import type { LocalAws } from "../local-aws.ts";
import { loopback } from "../process/ports.ts";
import { addressOf, pipe, refuse } from "./balancer/pipe.ts";
import { mayConnect } from "./balancer/reach.ts";
import { servicePort } from "./instance/instances.ts";

const recordType = "aws:route53/record:Record";

/**
 * The address that people use: what the Route 53 record leads to. New connections follow the record at once, as if
 * its time to live were over; those that exist stay where they are.
 */
export class Entry {
  readonly #aws: LocalAws;
  readonly #wanted: number;
  readonly #server: Server;
  readonly #doors = new Map<string, Server>();
  readonly #sockets = new Set<Socket>();

  constructor(aws: LocalAws, port: number) {
    this.#aws = aws;
    this.#wanted = port;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    aws.registry.on("change", ({ type }) => {
      if (type === "aws:ec2/eipAssociation:EipAssociation") void this.#openDoors();
    });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address ? address.port : this.#wanted;
  }

  get url(): string {
    const name = this.#record()?.inputs.name ?? "localhost";
    return `http://${String(name)}:${this.port}`;
  }

  /** @throws when the port is taken, with what to do. */
  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error: NodeJS.ErrnoException) => reject(explain(error, this.#wanted)));
      this.#server.listen(this.#wanted, loopback, resolve);
    });
    await this.#openDoors();
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    const record = this.#record();
    const [alias] = (record?.inputs.aliases ?? []) as { name: string }[];
    const [address] = (record?.inputs.records ?? []) as string[];
    if (alias && this.#aws.fronts.accept(alias.name, socket)) return;
    const balancer = alias && this.#aws.balancerNamed(alias.name);
    if (balancer) this.#aws.balancers.accept(balancer, servicePort, socket);
    else this.#connect(address, socket);
  }

  /** Connects to a server through its public address, if its rules let the client in. */
  #connect(publicIp: string | undefined, socket: Socket): void {
    const id = publicIp && this.#instanceAt(publicIp);
    const port = id && this.#aws.instances.localPort(id, servicePort);
    if (!id || !port || !mayConnect(this.#aws, id, addressOf(socket), servicePort)) refuse(socket);
    else pipe(socket, port);
  }

  #instanceAt(publicIp: string): string | undefined {
    const address = this.#aws.registry.ofType("aws:ec2/eip:Eip").find(({ state }) => state.publicIp === publicIp);
    const association = this.#aws.registry
      .ofType("aws:ec2/eipAssociation:EipAssociation")
      .find(({ inputs }) => inputs.allocationId === address?.id);
    const id = association?.inputs.instanceId ?? address?.inputs.instance;
    return typeof id === "string" ? id : undefined;
  }

  #record(): ResourceRecord | undefined {
    return this.#aws.registry.ofType(recordType).find(({ inputs }) => inputs.type === "A");
  }

  /** Public addresses cannot be connected to here, so each has a loopback port in its place. */
  async #openDoors(): Promise<void> {
    const addresses = this.#aws.registry
      .ofType("aws:ec2/eip:Eip")
      .map(({ state }) => String(state.publicIp))
      .filter((address) => this.#instanceAt(address));
    for (const [address, door] of this.#doors) {
      if (addresses.includes(address)) continue;
      door.close();
      this.#doors.delete(address);
    }
    for (const address of addresses.filter((each) => !this.#doors.has(each))) {
      const door = createServer({ allowHalfOpen: true }, (socket) => this.#connect(address, socket));
      this.#doors.set(address, door);
      await new Promise<void>((resolve) => door.listen(0, loopback, resolve));
    }
  }

  /** The public addresses and their places on this machine. */
  describeAddresses() {
    return [...this.#doors].map(([publicIp, door]) => {
      const address = door.address();
      const localPort = typeof address === "object" && address ? address.port : 0;
      return { publicIp, instance: this.#instanceAt(publicIp), localPort };
    });
  }

  describeRecord() {
    const record = this.#record();
    if (!record) return undefined;
    const { name, aliases, records, ttl } = record.inputs;
    return { name, ttl, target: (aliases as { name: string }[] | undefined)?.[0]?.name ?? (records as string[])[0] };
  }

  stop(): void {
    this.#server.close();
    for (const door of this.#doors.values()) door.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

function explain(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code === "EADDRINUSE")
    return new Error(
      `Port ${port} on ${loopback} is taken by another program: stop it, or choose another port with --port`,
    );
  if (error.code === "EACCES")
    return new Error(`Port ${port} may only be used by the administrator: choose one above 1023 with --port`);
  return error;
}
