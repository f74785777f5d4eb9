import { EventEmitter } from "node:events";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { hex } from "../../aws/resource-type.ts";
import { type Leashed, leash } from "../../process/leash.ts";
import { freePort } from "../../process/ports.ts";

/** Port that servers listen on; the local server has another one of its own for it. */
export const servicePort = 80;

/** How long a server may take to end: AWS gives an operating system minutes, its services 40 s of them. */
const shutdownGrace = 45_000;
/** When everything is stopped at once, nobody waits for requests any more. */
const quickGrace = 4_000;

export type InstanceState = "running" | "stopping" | "stopped" | "terminated";

export interface InstanceSpec {
  readonly id: string;
  /** Text of the user data, run by the first start only. */
  readonly userData: string;
  readonly region: string;
  readonly privateIp: string;
}

interface Instance {
  readonly id: string;
  state: InstanceState;
  port: number;
  process?: Leashed;
}

/** The one access key of this account. */
export const accessKey = { accessKeyId: "local", secretAccessKey: "local" };

/** Where AWS's APIs are on this machine. */
export interface Endpoints {
  /** For everything that has none of its own. */
  readonly all: string;
  readonly dynamodb: string;
}

/** Environment that leads an AWS SDK to this machine. */
export function awsEnvironment({ all, dynamodb }: Endpoints, region: string): NodeJS.ProcessEnv {
  return {
    AWS_ENDPOINT_URL: all,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    AWS_ENDPOINT_URL_DYNAMODB_STREAMS: dynamodb,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: accessKey.accessKeyId,
    AWS_SECRET_ACCESS_KEY: accessKey.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: "true",
  };
}

/** EC2: servers as processes of this machine, each with a folder of its own in the place of a disk. */
export class Instances extends EventEmitter<{ change: [id: string] }> {
  readonly #folder: string;
  readonly #endpoints: () => Endpoints;
  readonly #instances = new Map<string, Instance>();

  constructor(folder: string, endpoints: () => Endpoints) {
    super();
    this.setMaxListeners(0);
    this.#folder = folder;
    this.#endpoints = endpoints;
  }

  state(id: string): InstanceState {
    return this.#instances.get(id)?.state ?? (this.hasDisk(id) ? "stopped" : "terminated");
  }

  hasDisk(id: string): boolean {
    return existsSync(join(this.#folder, id));
  }

  /** Where a port of the server is on this machine; undefined while nothing can be there. */
  localPort(id: string, port: number): number | undefined {
    const instance = this.#instances.get(id);
    return port === servicePort && instance?.state !== "terminated" ? instance?.port : undefined;
  }

  /** Starts a server: as a new machine if it has no disk, else from its disk, and without its user data. */
  async start(spec: InstanceSpec): Promise<void> {
    if (this.#instances.get(spec.id)?.process) return;
    const home = join(this.#folder, spec.id);
    const root = join(home, "root");
    mkdirSync(root, { recursive: true });
    writeFileSync(join(home, "user-data"), spec.userData);
    const port = await freePort();
    const shims = fileURLToPath(new URL("./shims", import.meta.url));
    const instance: Instance = { id: spec.id, state: "running", port };
    this.#instances.set(spec.id, instance);
    instance.process = await leash({
      command: process.execPath,
      args: [fileURLToPath(new URL("./init.ts", import.meta.url))],
      cwd: root,
      // A machine of its own knows nothing of the environment that we were started with.
      env: {
        PATH: [shims, "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].join(delimiter),
        HOME: root,
        LANG: "C.UTF-8",
        ...awsEnvironment(this.#endpoints(), spec.region),
        ROOT: root,
        PORT: String(port),
        [`CHIRP_PORT_${servicePort}`]: String(port),
        CHIRP_NODE: process.execPath,
        CHIRP_INSTANCE_ID: spec.id,
        CHIRP_PRIVATE_IP: spec.privateIp,
      },
      log: join(home, "server.log"),
      grace: shutdownGrace,
      terminate: "leader",
    });
    void instance.process.exited.then(() => this.#ended(instance));
    this.emit("change", spec.id);
  }

  #ended(instance: Instance): void {
    instance.process = undefined;
    if (instance.state === "running") instance.state = "stopped";
    this.emit("change", instance.id);
  }

  /** Shuts a server down and waits for it; its disk stays. */
  async stop(id: string, grace?: number): Promise<void> {
    const instance = this.#instances.get(id);
    if (!instance?.process) return;
    instance.state = "stopping";
    this.emit("change", id);
    await instance.process.stop(grace);
    instance.state = "stopped";
    this.emit("change", id);
  }

  /** Shuts a server down and removes its disk. */
  async terminate(id: string): Promise<void> {
    await this.stop(id);
    const instance = this.#instances.get(id);
    if (instance) instance.state = "terminated";
    rmSync(join(this.#folder, id), { recursive: true, force: true, maxRetries: 3 });
    this.emit("change", id);
  }

  describe() {
    return [...this.#instances.values()]
      .filter(({ state }) => state !== "terminated")
      .map(({ id, state, port, process }) => ({
        id,
        state,
        port,
        pid: process?.pid,
        log: join(this.#folder, id, "server.log"),
      }));
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#instances.keys()].map((id) => this.stop(id, quickGrace)));
  }
}

/** An address inside a subnet's range that a server always gets. */
export function privateIpIn(cidrBlock: unknown, id: string): string {
  const [a = "10", b = "0", c = "0"] = String(cidrBlock ?? "10.0.0.0/24").split(".");
  const seed = Number.parseInt(hex(id, 6), 16);
  return `${a}.${b}.${Number(c) + (seed % 16)}.${4 + (Math.floor(seed / 16) % 250)}`;
}
