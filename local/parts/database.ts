import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { access, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { delimiter, join, resolve } from "node:path";
import { type ConnectionOptions, createConnection } from "mysql2/promise";
import { type Leashed, leash } from "../process/leash.ts";
import { freePort, isListening, loopback } from "../process/ports.ts";
import { endStale } from "../process/stale.ts";

export interface DatabaseOptions {
  /** Folder of this server's own: data, settings and log. Made when absent; its data is kept between starts. */
  readonly dir: string;
  /** TCP port on the loopback address. @default a free one */
  readonly port?: number;
  /** Name of the administrator. @default admin */
  readonly user?: string;
  /** The administrator's password, set at every start. @default a random one */
  readonly password?: string;
  /** Server variables beyond those that are always set, such as `max_connections`; "" for one that is only named. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A database server that speaks the MySQL protocol. */
export interface Database {
  readonly host: string;
  readonly port: number;
  /** User with the rights that RDS gives its master user. */
  readonly user: string;
  readonly password: string;
  /** RDS's own user, who may do anything, files of the machine among it; none where the server was given. */
  readonly operator?: { readonly user: string; readonly password: string };
  /** Process id; 0 where the server was given by `CHIRP_DATABASE_URL`. */
  readonly pid: number;
  /** Settles when the server has ended, whoever ended it. */
  readonly exited: Promise<unknown>;
  stop(): Promise<void>;
}

/** What RDS grants its master user: everything but SUPER, FILE and SHUTDOWN. */
const masterGrants =
  "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, " +
  "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, " +
  "CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER";

/**
 * Starts a MariaDB server over the data in `dir`, which is made on the first start (0.5 s) and recovered after a crash.
 *
 * With `CHIRP_DATABASE_URL=mysql://user:password@host:port` in the environment that server is used instead.
 *
 * @throws when no server program is installed (with the command that installs it), or when it ends before it accepts
 * logins (with the end of its log).
 */
export async function startDatabase({ dir, settings = {}, ...given }: DatabaseOptions): Promise<Database> {
  const address = process.env.CHIRP_DATABASE_URL;
  if (address) return useGiven(address);
  const folder = resolve(dir);
  const program = await findProgram();
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await endStale(join(folder, "mariadbd.pid"), `--datadir=${join(folder, "data")}`);
  await mkdir(temporary(folder), { recursive: true, mode: 0o700 });
  await initialise(program, folder);
  const { port = await freePort(), user = "admin", password = randomBytes(18).toString("base64url") } = given;
  const server = { host: loopback, port, user, password };
  const operator = { user: "rdsadmin", password: randomBytes(18).toString("base64url") };
  await writeFile(join(folder, "admin.sql"), adminSql(user, password, operator), { mode: 0o600 });
  const log = join(folder, "mariadbd.log");
  const more = Object.entries(settings).map(([name, value]) => `--${name.replaceAll("_", "-")}${value && `=${value}`}`);
  const args = [...options(folder, port), ...more];
  const running = await leash({ command: program, args, log, grace: 20_000 });
  await accepting(running, server, log);
  return {
    ...server,
    operator,
    pid: running.pid,
    exited: running.exited,
    stop: async () => void (await running.stop()),
  };
}

async function useGiven(address: string): Promise<Database> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== "mysql:" || !url.username)
    throw new Error(`CHIRP_DATABASE_URL is ${JSON.stringify(address)}; write it as mysql://user:password@host:port`);
  const port = Number(url.port || 3306);
  if (!(await isListening(port, url.hostname)))
    throw new Error(`CHIRP_DATABASE_URL names ${url.hostname}:${port}, but nothing accepts connections there`);
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  return { host: url.hostname, port, user, password, pid: 0, exited: new Promise(() => {}), stop: async () => {} };
}

async function findProgram(): Promise<string> {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"];
  for (const path of folders.filter(Boolean).map((folder) => join(folder, "mariadbd"))) {
    if (await exists(path)) return path;
  }
  const install = process.platform === "darwin" ? "brew install mariadb" : await linuxInstallCommand();
  throw new Error(
    `No database server: mariadbd is neither on the PATH nor in /usr/sbin. Install MariaDB with \`${install}\`, ` +
      "or name a server with CHIRP_DATABASE_URL=mysql://user:password@host:port",
  );
}

async function linuxInstallCommand(): Promise<string> {
  if (await exists("/usr/bin/dnf")) return "sudo dnf install mariadb-server";
  if (await exists("/usr/bin/pacman")) return "sudo pacman -S mariadb";
  if (await exists("/sbin/apk")) return "sudo apk add mariadb";
  return "sudo apt-get install --no-install-recommends mariadb-server-core";
}

/**
 * Makes the system tables, once. mariadb-install-db would do the same, but is not in every distribution's server
 * package. The data appears under its name only when whole, so a killed first start leaves nothing to trip over.
 */
async function initialise(program: string, folder: string): Promise<void> {
  const data = join(folder, "data");
  if (await exists(data)) return;
  const fresh = `${data}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { mode: 0o700 });
  const share = await findSystemTables(program);
  const files = ["mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql"];
  const sql = await Promise.all(files.map((file) => readFile(join(share, file), "utf8")));
  const own = [`--datadir=${fresh}`, `--tmpdir=${temporary(folder)}`];
  const args = ["--no-defaults", "--bootstrap", ...own, ...asRoot(), ...storage, "--log-warnings=0"];
  await run(program, args, `CREATE DATABASE mysql;\nUSE mysql;\n${sql.join("\n")}`);
  await rename(fresh, data);
}

/** Two servers name their temporary tables alike, and remove each other's where they share a folder for them. */
function temporary(folder: string): string {
  return join(folder, "tmp");
}

async function findSystemTables(program: string): Promise<string> {
  const folders = ["share/mariadb", "share/mysql"].map((folder) => resolve(program, "../..", folder));
  for (const folder of [...folders, "/usr/share/mariadb", "/usr/share/mysql"]) {
    if (await exists(join(folder, "mysql_system_tables.sql"))) return folder;
  }
  throw new Error(`${program} is there, but not its mysql_system_tables.sql: reinstall MariaDB's server package`);
}

/** Small files: the servers of a rehearsal hold little, and writing 100 MB of zeros is most of a first start. */
const storage = ["--innodb-log-file-size=32M", "--innodb-temp-data-file-path=ibtmp1:4M:autoextend"];

function options(folder: string, port: number): string[] {
  return [
    "--no-defaults",
    ...asRoot(),
    `--datadir=${join(folder, "data")}`,
    `--tmpdir=${temporary(folder)}`,
    `--pid-file=${join(folder, "mariadbd.pid")}`,
    // Relative to the data folder: an absolute path easily exceeds the 107 bytes a socket's name may have.
    "--socket=mariadbd.sock",
    `--bind-address=${loopback}`,
    `--port=${port}`,
    "--skip-name-resolve",
    `--init-file=${join(folder, "admin.sql")}`,
    "--server-id=1",
    "--log-bin=binlog",
    "--binlog-format=ROW",
    "--binlog-row-image=FULL",
    "--binlog-row-metadata=FULL",
    "--expire-logs-days=7",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_unicode_ci",
    "--max-connections=500",
    // The log is written at each commit and survives a kill of the server; only a power cut could lose the last second.
    "--innodb-flush-log-at-trx-commit=2",
    ...storage,
  ];
}

/** The server refuses to run as root unless told to. */
function asRoot(): string[] {
  return process.getuid?.() === 0 ? ["--user=root"] : [];
}

/** Run by the server at every start, before it accepts anybody. */
function adminSql(user: string, password: string, operator: Required<Database>["operator"]): string {
  const secret = `'${password.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
  return [
    // This server's own business: nobody who follows its binlog wants to know.
    "SET sql_log_bin = 0;",
    `CREATE OR REPLACE USER ${operator.user}@'%' IDENTIFIED BY '${operator.password}';`,
    `GRANT ALL PRIVILEGES ON *.* TO ${operator.user}@'%' WITH GRANT OPTION;`,
    `CREATE USER IF NOT EXISTS ${user}@'%';`,
    `ALTER USER ${user}@'%' IDENTIFIED BY ${secret};`,
    `GRANT ${masterGrants} ON *.* TO ${user}@'%' WITH GRANT OPTION;`,
    "",
  ].join("\n");
}

/** Waits until the server lets its admin in. */
async function accepting(running: Leashed, server: ConnectionOptions, log: string): Promise<void> {
  let ended = false;
  void running.exited.then(() => {
    ended = true;
  });
  while (!ended) {
    const attempt = await createConnection(server).catch(() => undefined);
    if (attempt) return attempt.end();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const lines = (await readFile(log, "utf8")).trimEnd().split("\n");
  const errors = lines.filter((line) => line.includes("[ERROR]"));
  throw new Error(
    `The database server ended at its start. ${log} says:\n${(errors.length ? errors : lines).slice(-8).join("\n")}`,
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Runs a program to its end and returns what it printed. */
function run(program: string, args: string[], input = ""): Promise<string> {
  const child = spawn(program, args, { stdio: "pipe" });
  let [printed, complaints] = ["", ""];
  child.stdout.on("data", (chunk) => {
    printed += chunk;
  });
  child.stderr.on("data", (chunk) => {
    complaints += chunk;
  });
  child.stdin.on("error", () => {}); // it ended early: its exit code says why
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(printed);
      else reject(new Error(`${program} failed:\n${complaints.trimEnd().split("\n").slice(-5).join("\n")}`));
    });
  });
}
