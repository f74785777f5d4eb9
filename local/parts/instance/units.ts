import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";

/** What `systemctl` can ask for. */
export interface ServiceManager {
  /** Carries out a command line of systemctl, without its program name. Resolves with a line to print. */
  command(args: readonly string[]): Promise<string>;
  /** Ends all services, as at a shutdown. */
  stopAll(): Promise<void>;
}

type Settings = Map<string, string[]>;

interface Service {
  readonly name: string;
  process?: ChildProcess;
  /** Settles when the service is down for good. */
  ended?: Promise<void>;
  isWanted: boolean;
}

/**
 * The little of systemd that a server here needs: services with their commands, environment and restarts, and sockets
 * that are handed to them. Settings that confine a service have no effect.
 */
export function serviceManager(folder: string, root: string): ServiceManager {
  const services = new Map<string, Service>();
  const sockets = new Map<string, number>();

  async function command(args: readonly string[]): Promise<string> {
    const words = args.filter((word) => !word.startsWith("-"));
    const [verb = "", ...units] = words;
    const now = args.includes("--now");
    switch (verb) {
      case "daemon-reload":
        return "";
      case "enable":
        for (const unit of units) writeFileSync(join(folder, "enabled", unit), "");
        if (now) for (const unit of units) await start(unit);
        return "";
      case "disable":
        for (const unit of units) rmSync(join(folder, "enabled", unit), { force: true });
        if (now) await Promise.all(units.map(stop));
        return "";
      case "start":
        for (const unit of units) await start(unit);
        return "";
      case "restart":
        for (const unit of units) {
          await stop(unit);
          await start(unit);
        }
        return "";
      case "stop":
        await Promise.all(units.map(stop));
        return "";
      case "is-active":
        return units.every((unit) => services.get(unit)?.process) ? "active" : "inactive";
      default:
        throw new Error(`the local server's systemctl does not know "${verb}"`);
    }
  }

  /** Units that are not there are the distribution's own, such as timers: nothing to do. */
  async function start(unit: string): Promise<void> {
    if (!existsSync(join(folder, unit))) return;
    const settings = readUnit(join(folder, unit));
    if (unit.endsWith(".socket")) return openSocket(unit, settings);
    const existing = services.get(unit);
    if (existing?.isWanted) return;
    const required = words(settings, "Requires").filter((name) => name.endsWith(".socket"));
    for (const name of required) await start(name);
    const service: Service = { name: unit, isWanted: true };
    services.set(unit, service);
    const handed = required.flatMap((name) => sockets.get(name) ?? []);
    const started = Promise.withResolvers<void>();
    service.ended = keepRunning(service, settings, handed, root, started.resolve);
    await started.promise;
  }

  function openSocket(unit: string, settings: Settings): void {
    if (sockets.has(unit)) return;
    const port = last(settings, "ListenStream") ?? "";
    const local = process.env[`CHIRP_PORT_${port}`];
    if (local === undefined) throw new Error(`${unit} listens on port ${port}, which the local server does not map`);
    sockets.set(unit, bind(Number(local)));
  }

  async function stop(unit: string): Promise<void> {
    const service = services.get(unit);
    if (!service) return;
    service.isWanted = false;
    await endProcess(service, readUnit(join(folder, unit)));
    await service.ended;
  }

  return { command, stopAll: async () => void (await Promise.all([...services.keys()].map(stop))) };
}

/** The call with which Node's own cluster module makes a socket that others listen on. */
interface HandleMaker {
  _createServerHandle(address: string, port: number, addressType: number): { readonly fd: number } | number;
}

/** Bound sockets: collecting one would close it. */
const held: unknown[] = [];

/**
 * A bound socket as a file descriptor. It is not listened on here: the kernel would hand connections to this process.
 * Whoever gets it listens, and from then on connections queue even while nobody accepts them.
 */
function bind(port: number): number {
  const handle = (net as unknown as HandleMaker)._createServerHandle("127.0.0.1", port, 4);
  if (typeof handle === "number") throw new Error(`port ${port} cannot be bound: error ${handle}`);
  held.push(handle);
  return handle.fd;
}

async function keepRunning(
  service: Service,
  settings: Settings,
  sockets: readonly number[],
  root: string,
  started: () => void,
): Promise<void> {
  const pause = Number.parseFloat(last(settings, "RestartSec") ?? "0.1") * 1000;
  while (service.isWanted) {
    for (const line of settings.get("ExecStartPre") ?? []) await runToEnd(line, settings, root);
    if (!service.isWanted) break;
    const environment = {
      ...environmentOf(settings),
      ...(sockets.length > 0 && { LISTEN_FDS: String(sockets.length) }),
    };
    const [program = "", ...args] = commandLine(last(settings, "ExecStart") ?? "").words;
    const child = spawn(program, args, {
      cwd: last(settings, "WorkingDirectory") ?? root,
      env: environment,
      stdio: ["ignore", "inherit", "inherit", ...sockets],
    });
    service.process = child;
    started();
    for (const line of settings.get("ExecStartPost") ?? []) void runToEnd(line, settings, root);
    const code = await new Promise<number | null>((resolve) => {
      child.once("exit", resolve);
      child.once("error", (error) => {
        console.log(`init: ${service.name}: ${error.message}`);
        resolve(1);
      });
    });
    service.process = undefined;
    const restart = last(settings, "Restart") ?? "no";
    if (restart === "no" || (restart === "on-failure" && code === 0)) break;
    if (service.isWanted) await new Promise((resolve) => setTimeout(resolve, pause));
  }
  service.isWanted = false;
  started();
}

/** SIGTERM to the service's own process (as with KillMode=mixed), SIGKILL when its time is over. */
async function endProcess(service: Service, settings: Settings): Promise<void> {
  const child = service.process;
  if (!child) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const seconds = Number.parseFloat(last(settings, "TimeoutStopSec") ?? "90");
  const timer = setTimeout(() => child.kill("SIGKILL"), seconds * 1000);
  await exited;
  clearTimeout(timer);
}

/** A command beside the service. A leading `-` means that its failure does not matter; here none does. */
async function runToEnd(line: string, settings: Settings, root: string): Promise<void> {
  const {
    words: [program = "", ...args],
  } = commandLine(line);
  if (program.startsWith("/opt/aws/")) return; // Amazon's own programs are not on this machine
  const child = spawn(program, args, {
    cwd: root,
    env: environmentOf(settings),
    stdio: ["ignore", "inherit", "inherit"],
  });
  await new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (error) => {
      console.log(`init: ${line}: ${error.message}`);
      resolve();
    });
  });
}

function commandLine(line: string): { words: string[] } {
  return { words: line.replace(/^[-+!@:]+/, "").split(/\s+/) };
}

/** This machine's way to its AWS goes to every service, besides what the unit says. */
function environmentOf(settings: Settings): NodeJS.ProcessEnv {
  const files = (settings.get("EnvironmentFile") ?? []).map((file) => file.replace(/^-/, "")).filter(existsSync);
  const lines = [
    ...(settings.get("Environment") ?? []),
    ...files.flatMap((file) => readFileSync(file, "utf8").split("\n")),
  ];
  const given = lines.flatMap((line) => {
    const [, name, value] = /^"?(\w+)=(.*?)"?$/.exec(line.trim()) ?? [];
    return name === undefined ? [] : [[name, value] as const];
  });
  return { ...process.env, ...Object.fromEntries(given) };
}

/** A unit file's settings; those given more than once keep their order. */
function readUnit(path: string): Settings {
  const settings: Settings = new Map();
  for (const line of readFileSync(path, "utf8").split("\n")) {
    const [, name, value] = /^(\w+)\s*=\s*(.*)$/.exec(line.trim()) ?? [];
    if (name !== undefined && value !== undefined) settings.set(name, [...(settings.get(name) ?? []), value]);
  }
  return settings;
}

function last(settings: Settings, name: string): string | undefined {
  return settings.get(name)?.at(-1);
}

function words(settings: Settings, name: string): string[] {
  return (settings.get(name) ?? []).flatMap((value) => value.split(/\s+/));
}
