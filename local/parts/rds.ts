import { randomBytes, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { AwsError } from "../aws/errors.ts";
import type { ResourceRecord } from "../aws/record.ts";
import { arn, hex, ownHex, type Part } from "../aws/resource-type.ts";
import type { LocalAws } from "../local-aws.ts";
import { freePortFrom } from "../process/ports.ts";
import { type Database, startDatabase } from "./database.ts";

const type = "aws:rds/instance:Instance";

/** RDS: every instance is a MariaDB server of its own, started again when it dies. */
export class Databases {
  readonly #aws: LocalAws;
  readonly #running = new Map<string, Database>();
  #stopping = false;

  constructor(aws: LocalAws) {
    this.#aws = aws;
  }

  /** Starts the servers that were running when this machine's AWS last ended. */
  async revive(): Promise<void> {
    const made = this.#aws.registry.ofType(type).filter((record) => this.exists(record));
    await Promise.all(made.map((record) => this.start(record)));
  }

  exists(record: ResourceRecord): boolean {
    return existsSync(this.#folder(record.id));
  }

  /** Starts the instance's server, unless it runs, with its schema and master user. */
  async start(record: ResourceRecord): Promise<void> {
    if (this.#running.has(record.id)) return;
    const { dbName, username = "admin" } = record.inputs;
    const password = this.#password(record);
    // Servers are told the port once, so it stays the same; two folders seldom start to look at the same one.
    const port = Number(
      record.state.port ?? (await freePortFrom(20_000 + Number.parseInt(hex(this.#folder(""), 3), 16))),
    );
    const database = await startDatabase({
      dir: this.#folder(record.id),
      port,
      user: String(username),
      password,
      settings: settingsOf(record, this.#aws),
    });
    this.#running.set(record.id, database);
    if (database.password !== password) this.#useGiven(record, database);
    void database.exited.then(() => this.#ended(record));
    if (dbName) await execute(database, `CREATE DATABASE IF NOT EXISTS \`${String(dbName)}\``);
    const { host } = database;
    Object.assign(record.state, { address: host, port: database.port, endpoint: `${host}:${database.port}` });
    this.#aws.registry.save(record);
  }

  /** RDS restarts a server that died. One that cannot stay up is tried again more and more slowly. */
  #ended(record: ResourceRecord, wait = 0): void {
    const wanted = this.#running.delete(record.id) || wait > 0;
    if (this.#stopping || !wanted) return;
    this.#aws.log(`database ${record.id} ended; starting it again`);
    setTimeout(() => {
      this.start(record).catch((error: Error) => {
        this.#aws.log(`database ${record.id}: ${error.message}`);
        this.#ended(record, Math.min(30_000, wait * 2 + 500));
      });
    }, wait).unref();
  }

  async delete(record: ResourceRecord): Promise<void> {
    const { skipFinalSnapshot, finalSnapshotIdentifier } = record.inputs;
    const snapshot = join(this.#aws.dir, "snapshots", String(finalSnapshotIdentifier));
    if (skipFinalSnapshot !== true && finalSnapshotIdentifier === undefined)
      throw new AwsError(
        "InvalidParameterCombination",
        "finalSnapshotIdentifier is required when skipFinalSnapshot is false",
      );
    if (skipFinalSnapshot !== true && existsSync(snapshot))
      throw new AwsError("DBSnapshotAlreadyExists", `there is a snapshot named ${String(finalSnapshotIdentifier)}`);
    const database = this.#running.get(record.id);
    this.#running.delete(record.id);
    await database?.stop();
    if (skipFinalSnapshot === true) rmSync(this.#folder(record.id), { recursive: true, force: true });
    else if (this.exists(record)) {
      mkdirSync(join(this.#aws.dir, "snapshots"), { recursive: true });
      renameSync(this.#folder(record.id), snapshot);
    }
    const [secret] = (record.state.masterUserSecrets ?? []) as { secretArn: string }[];
    if (secret) this.#aws.secrets.delete(secret.secretArn);
  }

  /** What RDS does to a managed master password every seven days. */
  async rotate(record: ResourceRecord): Promise<void> {
    const database = this.#running.get(record.id);
    const [secret] = (record.state.masterUserSecrets ?? []) as { secretArn: string }[];
    if (!database || !secret) throw new Error(`database ${record.id} is not running with a managed password`);
    const { password: before } = JSON.parse(this.#aws.secrets.get(secret.secretArn).value) as { password: string };
    const password = randomBytes(18).toString("base64url");
    await execute({ ...database, password: before }, `ALTER USER ${database.user}@'%' IDENTIFIED BY '${password}'`);
    this.#aws.secrets.put(secret.secretArn, JSON.stringify({ username: database.user, password }));
  }

  /** The running servers, with the means to log in to them. */
  describe() {
    return this.#aws.registry.ofType(type).flatMap((record) => {
      const database = this.#running.get(record.id);
      if (!database) return [];
      const { host, port, user, pid } = database;
      const schema = String(record.inputs.dbName ?? "");
      return [
        { id: record.id, host, port, adminUser: user, adminPassword: this.#password(record), database: schema, pid },
      ];
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#running.values()].map((database) => database.stop()));
  }

  /** A server that was given instead of made here has its own master user. */
  #useGiven(record: ResourceRecord, { user, password }: Database): void {
    const [secret] = (record.state.masterUserSecrets ?? []) as { secretArn: string }[];
    if (secret) this.#aws.secrets.put(secret.secretArn, JSON.stringify({ username: user, password }));
  }

  /** The program's own password, or the one in the secret that RDS manages, which is made with the instance. */
  #password(record: ResourceRecord): string {
    const { manageMasterUserPassword, password, username = "admin", identifier } = record.inputs;
    if (manageMasterUserPassword !== true) return String(password);
    const [existing] = (record.state.masterUserSecrets ?? []) as { secretArn: string }[];
    if (existing) return (JSON.parse(this.#aws.secrets.get(existing.secretArn).value) as { password: string }).password;
    const name = `rds!db-${randomUUID()}`;
    const secretArn = arn(this.#aws, "secretsmanager", `secret:${name}-${ownHex(record, 6)}`);
    const fresh = randomBytes(18).toString("base64url");
    this.#aws.secrets.create(secretArn, name);
    this.#aws.secrets.put(secretArn, JSON.stringify({ username, password: fresh }));
    const kmsKeyId = arn(this.#aws, "kms", "alias/aws/secretsmanager");
    record.state.masterUserSecrets = [{ secretArn, kmsKeyId, secretStatus: "active" }];
    this.#aws.registry.save(record);
    this.#aws.log(`database ${String(identifier)}: its master password is in ${secretArn}`);
    return fresh;
  }

  #folder(id: string): string {
    return join(this.#aws.dir, "databases", id);
  }
}

/** Settings of a parameter group that MariaDB has under the same name. */
const sharedSettings = new Set([
  "binlog_format",
  "binlog_row_image",
  "binlog_row_metadata",
  "character_set_server",
  "collation_server",
  "innodb_lock_wait_timeout",
  "max_allowed_packet",
  "max_connections",
  "wait_timeout",
]);

function settingsOf({ urn, inputs }: ResourceRecord, aws: LocalAws): Record<string, string> {
  const groups = aws.registry.ofType("aws:rds/parameterGroup:ParameterGroup");
  const group = groups.find((record) => record.id === inputs.parameterGroupName);
  const parameters = (group?.inputs.parameters ?? []) as { name: string; value: string }[];
  const others = parameters.filter(({ name }) => !sharedSettings.has(name)).map(({ name }) => name);
  if (others.length > 0)
    aws.log(`${urn}: MariaDB has nothing that corresponds to ${others.join(", ")}; recorded, without effect here`);
  return Object.fromEntries(
    parameters.filter(({ name }) => sharedSettings.has(name)).map(({ name, value }) => [name, value]),
  );
}

async function execute({ host, port, user, password }: Database, sql: string): Promise<void> {
  const connection = await createConnection({ host, port, user, password });
  try {
    await connection.query(sql);
  } finally {
    await connection.end();
  }
}

/** Changes that RDS makes at once only when it is told to. */
const deferred = ["multiAz", "instanceClass", "allocatedStorage", "engineVersion", "parameterGroupName"];

export const rdsInstance: Part = {
  create: (record, aws) => aws.databases.start(record),
  verify: ({ inputs: before, urn }, after, aws) => {
    if (before.dbSubnetGroupName !== after.dbSubnetGroupName)
      throw new AwsError(
        "InvalidVPCNetworkStateFault",
        `You cannot move DB instance ${String(before.identifier)} to subnet group ${String(after.dbSubnetGroupName)}. ` +
          "The specified DB subnet group and DB instance are in the same VPC.",
      );
    if (Number(after.allocatedStorage) < Number(before.allocatedStorage))
      throw new AwsError(
        "InvalidParameterCombination",
        `Invalid storage size: ${String(after.allocatedStorage)} GB is less than the ${String(before.allocatedStorage)} there are`,
      );
    const waiting = deferred.filter((input) => before[input] !== after[input]);
    if (waiting.length > 0 && after.applyImmediately !== true)
      aws.warn(
        `AWS would change ${waiting.join(", ")} in the next maintenance window: applyImmediately is not set`,
        urn,
      );
  },
  delete: async (record, aws) => {
    if (record.inputs.deletionProtection === true)
      throw new AwsError(
        "InvalidParameterCombination",
        "Cannot delete protected DB Instance, please disable deletion protection and try again.",
      );
    await aws.databases.delete(record);
  },
  exists: (record, aws) => aws.databases.exists(record),
};
