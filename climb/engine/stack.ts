import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lastLines } from "../../tools/run.ts";
import type { EngineEvent } from "./events.ts";
import type { Operation, Pulumi } from "./pulumi.ts";
import { endStaleLocks } from "./recover.ts";

/** The name of the local stack. */
export const stackName = "local";

export interface StackOptions {
  readonly pulumi: Pulumi;
  /** Folder of the Pulumi project. */
  readonly project: string;
  /** Folder of the stack's config file, so that none appears in the checkout. */
  readonly configFolder: string;
  /** The engine's state folder. */
  readonly folder: string;
  readonly report: (line: string) => void;
}

/** What the engine has recorded of a stack. */
export interface Deployment {
  readonly resources: readonly { readonly urn: string; readonly type: string; readonly outputs?: Outputs }[];
  readonly pending_operations?: readonly { readonly type: string; readonly resource: { readonly urn: string } }[];
  readonly secrets_providers?: { readonly state?: { readonly salt?: string } };
}

export type Outputs = Readonly<Record<string, unknown>>;

/** The local stack: its config, its recorded state, previews and updates. */
export class Stack {
  readonly #options: StackOptions;
  readonly #config: string;
  readonly #selection: readonly string[];

  private constructor(options: StackOptions) {
    this.#options = options;
    this.#config = join(options.configFolder, `Pulumi.${stackName}.yaml`);
    this.#selection = ["--stack", stackName, "--config-file", this.#config];
  }

  /**
   * Makes the stack, or mends what a killed engine left behind: a lock, interrupted creations, a lost config file.
   *
   * @throws when another engine that is alive has the stack's lock, naming its process.
   */
  static async open(options: StackOptions): Promise<Stack> {
    const stack = new Stack(options);
    const { configFolder, project } = options;
    await mkdir(configFolder, { recursive: true });
    // `stack init` knows no --config-file: run beside the project's own file, it writes the config here.
    await copyFile(join(project, "Pulumi.yaml"), join(configFolder, "Pulumi.yaml"));
    await endStaleLocks(options);
    const deployment = await stack.deployment();
    if (!deployment) await stack.#must(["stack", "init", stackName, "--no-select"], configFolder);
    else await stack.#mend(deployment);
    return stack;
  }

  /** The recorded state, or undefined when there is no such stack. */
  async deployment(): Promise<Deployment | undefined> {
    const { code, stdout, stderr } = await this.#options.pulumi.run(["stack", "export", "--stack", stackName]);
    if (code === 0) return JSON.parse(stdout).deployment ?? { resources: [] };
    if (/no stack named/.test(stderr)) return undefined;
    throw new Error(`The engine's state in ${this.#options.folder} can't be read:\n${lastLines(stderr)}`);
  }

  /** The outputs of the last update. */
  async outputs(): Promise<Outputs> {
    const resources = (await this.deployment())?.resources ?? [];
    return resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs ?? {};
  }

  /** The config values, by full key ("chirp:phase"). */
  async config(): Promise<Readonly<Record<string, string>>> {
    const { stdout } = await this.#must(["config", "--json", ...this.#selection]);
    const entries = Object.entries(JSON.parse(stdout) as Record<string, { value?: string }>);
    return Object.fromEntries(entries.map(([key, { value = "" }]) => [key, value]));
  }

  /** Sets config values, as `pulumi config set` does. */
  async configure(values: Readonly<Record<string, string | number>>): Promise<void> {
    const pairs = Object.entries(values).flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]);
    await this.#must(["config", "set-all", ...pairs, ...this.#selection]);
  }

  /** Takes a config value away, as `pulumi config rm` does. */
  async unset(key: string): Promise<void> {
    await this.#must(["config", "rm", key, ...this.#selection]);
  }

  /** `pulumi up`. */
  up(providers: string, onEvent: (event: EngineEvent) => void = () => {}): Promise<Operation> {
    return this.#options.pulumi.start(["up", "--yes", "--skip-preview", ...this.#selection], providers, onEvent);
  }

  /** `pulumi preview`. */
  preview(providers: string, onEvent: (event: EngineEvent) => void = () => {}): Promise<Operation> {
    return this.#options.pulumi.start(["preview", ...this.#selection], providers, onEvent);
  }

  async #mend(deployment: Deployment): Promise<void> {
    await this.#restoreSalt(deployment);
    const pending = deployment.pending_operations ?? [];
    if (pending.length === 0) return;
    const names = pending.map(({ type, resource }) => `${type} ${resource.urn.split("::").at(-1)}`);
    this.#options.report(
      `The last update was interrupted in the middle of: ${names.join(", ")}. Continuing from there`,
    );
    // The engine would carry these as "interrupted" for ever. The local provider knows every creation by its URN,
    // so the next update adopts what was made and there is nothing left to look for by hand.
    const file = join(this.#options.configFolder, "recovered.json");
    await writeFile(file, JSON.stringify({ version: 3, deployment: { ...deployment, pending_operations: [] } }));
    await this.#must(["stack", "import", "--stack", stackName, "--file", file]);
  }

  /** Between making a stack and writing its config file there is a moment in which a kill loses the salt. */
  async #restoreSalt(deployment: Deployment): Promise<void> {
    const text = await readFile(this.#config, "utf8").catch(() => "");
    if (/^encryptionsalt:/m.test(text)) return;
    const salt = deployment.secrets_providers?.state?.salt;
    if (salt) await writeFile(this.#config, `encryptionsalt: ${salt}\n${text}`);
    else
      await this.#must(
        ["stack", "change-secrets-provider", "passphrase", "--stack", stackName],
        this.#options.configFolder,
      );
  }

  async #must(args: readonly string[], cwd = this.#options.project) {
    const result = await this.#options.pulumi.run(args, { cwd });
    if (result.code === 0) return result;
    const command = args.slice(0, 2).join(" ");
    throw new Error(`\`pulumi ${command}\` failed:\n${lastLines(result.stderr || result.stdout)}`);
  }
}
