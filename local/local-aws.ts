import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "./aws/context.ts";
import { Registry } from "./aws/registry.ts";
import { account } from "./aws/resource-type.ts";

export interface LocalAwsOptions {
  /** Folder that everything is kept under. */
  readonly dir: string;
  readonly log: (message: string) => void;
}

/** Everything that stands in for AWS on this machine. */
export class LocalAws implements Context {
  readonly dir: string;
  readonly registry: Registry;
  readonly account = account;
  readonly log: (message: string) => void;
  region = process.env.AWS_REGION ?? "us-east-1";
  /** Set by the provider while an engine is attached. */
  tell: (message: string, urn?: string) => void = () => {};

  constructor({ dir, log }: LocalAwsOptions) {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.dir = dir;
    this.log = log;
    this.registry = new Registry(join(dir, "resources"));
  }

  warn(message: string, urn?: string): void {
    this.log(`warning: ${message}`);
    this.tell(message, urn);
  }
}
