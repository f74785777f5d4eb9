import { findProgram } from "./find.ts";
import { lastLines, type Result, run } from "./run.ts";

/** A program that comes from the system's own packages. */
export interface SystemProgram {
  /** What people call it, for messages. */
  readonly title: string;
  /** What it is needed for, for messages. */
  readonly purpose: string;
  /** Names of the program, in order of preference. */
  readonly names: readonly string[];
  /** Folders beside the PATH where it is often found. */
  readonly folders?: readonly string[];
  /** Its package, by package manager. */
  readonly packages: Readonly<Record<Manager, string>>;
}

export type Manager = keyof typeof installCommands;

const installCommands = {
  "apt-get": (name: string) => ["apt-get", "install", "-y", "--no-install-recommends", name],
  dnf: (name: string) => ["dnf", "install", "-y", name],
  pacman: (name: string) => ["pacman", "-S", "--noconfirm", name],
  brew: (name: string) => ["brew", "install", name],
} as const;

/** The database server of the local stack. */
export const databaseServer: SystemProgram = {
  title: "MariaDB",
  purpose: "the local database server",
  names: ["mariadbd"],
  folders: ["/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/bin", "/opt/homebrew/bin"],
  packages: { "apt-get": "mariadb-server-core", dnf: "mariadb-server", pacman: "mariadb", brew: "mariadb" },
};

/** The browser of the page's tests. */
export const browser: SystemProgram = {
  title: "Chromium",
  purpose: "the browser tests",
  names: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
  folders: ["/Applications/Chromium.app/Contents/MacOS", "/Applications/Google Chrome.app/Contents/MacOS"],
  packages: { "apt-get": "chromium", dnf: "chromium", pacman: "chromium", brew: "--cask chromium" },
};

export interface EnsureOptions {
  readonly report: (line: string) => void;
  /** @default the process's own */
  readonly path?: string | undefined;
  /** Whether packages may be installed by us. @default when we are root */
  readonly root?: boolean;
}

/**
 * Finds the program, or installs it with apt-get where we may.
 *
 * @returns its path.
 * @throws with the command that installs it on this system, where we may not or cannot.
 */
export async function ensureProgram(program: SystemProgram, options: EnsureOptions): Promise<string> {
  const { report, path = process.env.PATH, root = process.getuid?.() === 0 } = options;
  const find = () => findProgram(program.names, { path, folders: program.folders ?? [] });
  const found = await find();
  if (found) return found;

  const manager = await findManager(path);
  // Only apt-get is used unasked: that is the container or CI machine, where nobody is there to type the command.
  if (manager !== "apt-get" || !root) throw new Error(missing(program, manager));
  report(`Installing ${program.title}, ${program.purpose}, with apt-get`);
  const environment = { ...process.env, PATH: path, DEBIAN_FRONTEND: "noninteractive" };
  await apt(["apt-get", "update"], environment, program);
  await apt(installCommands["apt-get"](program.packages["apt-get"]), environment, program);
  const installed = await find();
  if (!installed) throw new Error(`${program.title} was installed, but none of ${program.names.join(", ")} is found.`);
  return installed;
}

async function apt(command: readonly string[], env: NodeJS.ProcessEnv, program: SystemProgram): Promise<void> {
  let result: Result;
  try {
    result = await run(command[0] as string, command.slice(1), { env });
  } catch (error) {
    throw new Error(`${program.title} could not be installed: ${(error as Error).message}`, { cause: error });
  }
  if (result.code !== 0) {
    throw new Error(
      `${program.title} could not be installed: ${command.join(" ")} failed:\n${lastLines(result.stderr || result.stdout)}`,
    );
  }
}

async function findManager(path: string | undefined): Promise<Manager | undefined> {
  for (const name of Object.keys(installCommands) as Manager[]) {
    if (await findProgram([name], { path })) return name;
  }
  return undefined;
}

function missing(program: SystemProgram, manager: Manager | undefined): string {
  const problem = `${program.title}, ${program.purpose}, is not installed (looked for ${program.names.join(", ")}).`;
  if (!manager) return `${problem} Install the package of your system that holds it.`;
  const sudo = manager === "brew" ? "" : "sudo ";
  return `${problem} Install it: ${sudo}${installCommands[manager](program.packages[manager]).join(" ")}`;
}
