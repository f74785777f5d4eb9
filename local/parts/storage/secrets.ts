import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AwsError } from "../../aws/errors.ts";
import { hex } from "../../aws/resource-type.ts";

export interface SecretVersion {
  readonly id: string;
  readonly value: string;
  readonly created: number;
  stages: string[];
}

export interface Secret {
  readonly arn: string;
  readonly name: string;
  readonly created: number;
  versions: SecretVersion[];
}

/** Secrets Manager: secrets with versions and stages, one file each, readable by their owner alone. */
export class Secrets {
  readonly #folder: string;
  readonly #secrets = new Map<string, Secret>();

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const file of readdirSync(folder).filter((file) => file.endsWith(".json"))) {
      const secret = JSON.parse(readFileSync(join(folder, file), "utf8")) as Secret;
      this.#secrets.set(secret.arn, secret);
    }
  }

  /** Makes a secret without a value; an existing one stays as it is. */
  create(arn: string, name: string): void {
    if (this.#secrets.has(arn)) return;
    this.#save({ arn, name, created: now(), versions: [] });
  }

  /** @param id ARN, ARN without its random end, or name. */
  find(id: string): Secret {
    const secrets = [...this.#secrets.values()];
    const found = secrets.find(({ arn, name }) => arn === id || name === id || arn.slice(0, -7) === id);
    if (found) return found;
    throw new AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
  }

  /** Gives the secret a new current value; the one before stays as AWSPREVIOUS. */
  put(id: string, value: string, version: string = randomUUID()): SecretVersion {
    const secret = this.find(id);
    const repeated = secret.versions.find((existing) => existing.id === version);
    if (repeated?.value === value) return repeated;
    if (repeated)
      throw new AwsError("ResourceExistsException", "The version id is already used by another value of this secret.");
    const staged = { id: version, value, created: now(), stages: ["AWSCURRENT"] };
    for (const older of secret.versions) {
      const wasCurrent = older.stages.includes("AWSCURRENT");
      older.stages = wasCurrent ? ["AWSPREVIOUS"] : older.stages.filter((stage) => stage !== "AWSPREVIOUS");
    }
    const kept = secret.versions.filter(({ stages }) => stages.length > 0);
    this.#save({ ...secret, versions: [...kept, staged] });
    return staged;
  }

  get(id: string, { version, stage = "AWSCURRENT" }: { version?: string; stage?: string } = {}): SecretVersion {
    const { versions } = this.find(id);
    const found = versions.find((each) => (version ? each.id === version : each.stages.includes(stage)));
    if (found) return found;
    const wanted = version ? `VersionId: ${version}` : `staging label: ${stage}`;
    throw new AwsError(
      "ResourceNotFoundException",
      `Secrets Manager can't find the specified secret value for ${wanted}`,
    );
  }

  delete(arn: string): void {
    this.#secrets.delete(arn);
    rmSync(this.#file(arn), { force: true });
  }

  #save(secret: Secret): void {
    this.#secrets.set(secret.arn, secret);
    const file = this.#file(secret.arn);
    writeFileSync(`${file}.new`, JSON.stringify(secret), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  #file(arn: string): string {
    return join(this.#folder, `${hex(arn, 16)}.json`);
  }
}

/** Seconds, as AWS tells time. */
function now(): number {
  return Date.now() / 1000;
}
