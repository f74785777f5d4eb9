import { randomBytes, randomUUID } from "node:crypto";
import { cpSync, existsSync, constants, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { AwsError } from "../aws/errors.ts";
import type { ResourceRecord } from "../aws/record.ts";
import { arn, hex, ownHex, type Part } from "../aws/resource-type.ts";
import type { LocalAws } from "../local-aws.ts";
import { freePortFrom } from "../process/ports.ts";
import { type Database, startDatabase } from "./database.ts";
import { settingsOf } from "./rds-settings.ts";
import { hasManifest, readManifest, type Source, writeManifest } from "./snapshot/manifest.ts";
import { restoreSnapshot } from "./snapshot/restore.ts";
import { ownerOf } from "./snapshot/snapshots.ts";

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
    const made = this.#aws.registry.ofType(type).filter((record) => this.exists(record) && !this.#isUnfinished(record));
    await Promise.all(made.map((record) => this.start(record)));
  }

  exists(record: ResourceRecord): boolean {
    return existsSync(this.#folder(record.id));
  }

  /** Whether the instance's snapshot has not been restored to the end; then it is begun anew. */
  #isUnfinished({ id, inputs }: ResourceRecord): boolean {
    return inputs.snapshotIdentifier !== undefined && !hasManifest(this.#folder(id));
  }

  /** A running instance by its identifier, with what a snapshot of it has to know. */
  running(identifier: string): { instance: ResourceRecord; database: Database; source: Omit<Source, "owner"> } {
    const instance = this.#aws.registry.ofType(type).find(({ inputs }) => inputs.identifier === identifier);
    const database = instance && this.#running.get(instance.id);
    if (!instance) throw new AwsError("DBInstanceNotFound", `DBInstance ${identifier} not found.`);
    if (!database) throw new AwsError("InvalidDBInstanceState", `Instance ${identifier} is currently not available.`);
    return { instance, database, source: this.#sourceOf(instance) };
  }

  #sourceOf(instance: ResourceRecord): Omit<Source, "owner"> {
    const { identifier, engineVersion, allocatedStorage } = instance.inputs;
    return {
      dbInstanceIdentifier: String(identifier),
      username: this.#username(instance),
      password: this.#password(instance),
      dbName: this.#schema(instance),
      allocatedStorage: Number(allocatedStorage ?? instance.state.allocatedStorage ?? 20),
      engineVersion: engineVersion as string | undefined,
      created: new Date().toISOString(),
    };
  }

  /** Starts the instance's server, unless it runs, with its schema and master user; first from its snapshot, if any. */
  async start(record: ResourceRecord): Promise<void> {
    if (this.#running.has(record.id)) return;
    const unfinished = this.#isUnfinished(record);
    if (unfinished) this.#prepare(record);
    const password = this.#password(record);
    const options = { dir: this.#folder(record.id), user: this.#username(record), password };
    const settings = settingsOf(record, this.#aws);
    const database = await startDatabase({ ...options, port: await this.#port(record), settings });
    if (unfinished) await this.#restore(record, database);
    this.#running.set(record.id, database);
    if (database.password !== password) this.#useGiven(record, database);
    void database.exited.then(() => this.#ended(record));
    const schema = record.inputs.dbName;
    if (schema) await execute(database, `CREATE DATABASE IF NOT EXISTS \`${String(schema)}\``);
    const { host } = database;
    Object.assign(record.state, { address: host, port: database.port, endpoint: `${host}:${database.port}` });
    this.#aws.registry.save(record);
  }

  /** Servers are told the port once, so it stays the same, and nobody else's that may only be down just now. */
  async #port(record: ResourceRecord): Promise<number> {
    if (typeof record.state.port === "number") return record.state.port;
    const taken = this.#aws.registry.ofType(type).map(({ state }) => Number(state.port ?? 0));
    // Two folders seldom start to look at the same one.
    const start = 20_000 + Number.parseInt(hex(this.#folder(""), 3), 16);
    return freePortFrom(Math.max(start, ...taken.map((port) => port + 1)));
  }

  /** Makes the folder of a server that begins as a snapshot: empty, or as a final snapshot left it. */
  #prepare(record: ResourceRecord): void {
    const name = String(record.inputs.snapshotIdentifier);
    const { content, username, dbName, allocatedStorage } = this.#aws.snapshots.find(name);
    const folder = this.#folder(record.id);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const data = join(this.#aws.snapshots.folder(name), "data");
    if (!content) cpSync(data, join(folder, "data"), { recursive: true, mode: constants.COPYFILE_FICLONE });
    Object.assign(record.state, { username, dbName, allocatedStorage });
  }

  async #restore(record: ResourceRecord, database: Database): Promise<void> {
    const name = String(record.inputs.snapshotIdentifier);
    const { content, ...source } = this.#aws.snapshots.find(name);
    const start = performance.now();
    try {
      if (content) await restoreSnapshot(database, content, this.#aws.snapshots.folder(name));
      writeManifest(this.#folder(record.id), source);
    } catch (error) {
      await database.stop();
      rmSync(this.#folder(record.id), { recursive: true, force: true });
      throw error;
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    this.#aws.log(`database ${record.id}: restored from snapshot ${name} in ${seconds} s`);
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
    const name = String(finalSnapshotIdentifier);
    if (skipFinalSnapshot !== true && finalSnapshotIdentifier === undefined)
      throw new AwsError(
        "InvalidParameterCombination",
        "finalSnapshotIdentifier is required when skipFinalSnapshot is false",
      );
    if (skipFinalSnapshot !== true && this.exists(record)) this.#aws.snapshots.refuseTaken(name, ownerOf(record));
    const database = this.#running.get(record.id);
    this.#running.delete(record.id);
    await database?.stop();
    if (skipFinalSnapshot === true) rmSync(this.#folder(record.id), { recursive: true, force: true });
    else if (this.exists(record)) {
      const source = { ...this.#sourceOf(record), owner: ownerOf(record) };
      this.#aws.snapshots.keep(name, this.#folder(record.id), source);
    }
    const [secret] = (record.state.masterUserSecrets ?? []) as { secretArn: string }[];
    if (secret) this.#aws.secrets.delete(secret.secretArn);
  }

  /** What RDS does to a managed master password every seven days. */
  async rotate(record: ResourceRecord): Promise<void> {
    const database = this.#running.get(record.id);
    const [secret] = (record.state.masterUserSecrets ?? []) as { secretArn: string }[];
    if (!secret) return;
    if (!database) throw new Error(`database ${record.id} is not running`);
    const { password: before } = JSON.parse(this.#aws.secrets.get(secret.secretArn).value) as { password: string };
    const password = randomBytes(18).toString("base64url");
    await execute({ ...database, password: before }, `ALTER USER ${database.user}@'%' IDENTIFIED BY '${password}'`);
    this.#aws.secrets.put(secret.secretArn, JSON.stringify({ username: database.user, password }));
  }

  /** The running servers, with the means to log in to them; restored ones last. */
  describe() {
    const records = this.#aws.registry.ofType(type);
    const isCopy = ({ inputs }: ResourceRecord) => Number(inputs.snapshotIdentifier !== undefined);
    return records
      .toSorted((a, b) => isCopy(a) - isCopy(b))
      .flatMap((record) => {
        const database = this.#running.get(record.id);
        if (!database) return [];
        const { host, port, user, pid } = database;
        return [
          {
            id: record.id,
            identifier: String(record.inputs.identifier),
            snapshotIdentifier: (record.inputs.snapshotIdentifier ?? null) as string | null,
            host,
            port,
            adminUser: user,
            adminPassword: this.#password(record),
            database: this.#schema(record) ?? "",
            pid,
          },
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

  /** Comes with the snapshot where there is one, whatever the program says; RDS does not change it either. */
  #username({ inputs, state }: ResourceRecord): string {
    return String(state.username ?? inputs.username ?? "admin");
  }

  #schema({ inputs, state }: ResourceRecord): string | undefined {
    return (inputs.dbName ?? state.dbName) as string | undefined;
  }

  /** The program's own password, the one in the secret that RDS manages, or the one that came with the snapshot. */
  #password(record: ResourceRecord): string {
    const { manageMasterUserPassword, password, snapshotIdentifier } = record.inputs;
    if (manageMasterUserPassword === true) return this.#managedPassword(record);
    if (password !== undefined || snapshotIdentifier === undefined) return String(password);
    const folder = this.#folder(record.id);
    return (hasManifest(folder) ? readManifest(folder) : this.#aws.snapshots.find(String(snapshotIdentifier))).password;
  }

  /** Made with the instance. */
  #managedPassword(record: ResourceRecord): string {
    const [existing] = (record.state.masterUserSecrets ?? []) as { secretArn: string }[];
    if (existing) return (JSON.parse(this.#aws.secrets.get(existing.secretArn).value) as { password: string }).password;
    const name = `rds!db-${randomUUID()}`;
    const secretArn = arn(this.#aws, "secretsmanager", `secret:${name}-${ownHex(record, 6)}`);
    const password = randomBytes(18).toString("base64url");
    this.#aws.secrets.create(secretArn, name);
    this.#aws.secrets.put(secretArn, JSON.stringify({ username: this.#username(record), password }));
    const kmsKeyId = arn(this.#aws, "kms", "alias/aws/secretsmanager");
    record.state.masterUserSecrets = [{ secretArn, kmsKeyId, secretStatus: "active" }];
    this.#aws.registry.save(record);
    this.#aws.log(`database ${String(record.inputs.identifier)}: its master password is in ${secretArn}`);
    return password;
  }

  #folder(id: string): string {
    return join(this.#aws.dir, "databases", id);
  }
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
