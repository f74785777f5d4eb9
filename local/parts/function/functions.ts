import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { AwsError } from "../../aws/errors.ts";
import type { Properties, ResourceRecord } from "../../aws/record.ts";
import type { Part } from "../../aws/resource-type.ts";
import type { LocalAws } from "../../local-aws.ts";
import { readArchive } from "../../provider/values.ts";
import { awsEnvironment } from "../instance/instances.ts";
import { Environment } from "./environment.ts";
import { Pool } from "./pool.ts";
import { RuntimeApi } from "./runtime-api.ts";

const type = "aws:lambda/function:Function";

/** Lambda: the functions' real code in processes of their own. */
export class Functions {
  readonly #aws: LocalAws;
  readonly #api = new RuntimeApi();
  /** Those that an update waits for. */
  readonly #single = new Set<Environment>();
  /** By the function's id. */
  readonly #pools = new Map<string, Pool>();
  #cancellations = 0;

  constructor(aws: LocalAws) {
    this.#aws = aws;
  }

  async store(record: ResourceRecord): Promise<void> {
    const files = await readArchive(record.inputs.code);
    const code = this.#codeFolder(record.id);
    const folder = `${code}.new`;
    rmSync(folder, { recursive: true, force: true });
    for (const [path, content] of files) {
      const file = resolve(folder, path);
      if (!file.startsWith(folder + sep)) throw new Error(`the archive's file ${path} lies outside of it`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
    this.#retire(record.id);
    // At once: a process that is just starting finds the old code or the new.
    rmSync(code, { recursive: true, force: true });
    renameSync(folder, code);
  }

  delete(record: ResourceRecord): void {
    this.#retire(record.id);
    rmSync(join(this.#aws.dir, "functions", record.id), { recursive: true, force: true });
  }

  #retire(id: string): void {
    this.#pools.get(id)?.retire();
    this.#pools.delete(id);
  }

  /** @param name the function's name or ARN */
  find(name: string): ResourceRecord {
    const records = this.#aws.registry.ofType(type);
    const record = records.find(
      ({ id, inputs }) => id === name || String(inputs.name) === name || name.endsWith(`:function:${id}`),
    );
    if (!record) throw new AwsError("ResourceNotFoundException", `Function not found: ${name}`);
    return record;
  }

  /**
   * Invokes a function once, in a process of its own, and waits for its answer.
   *
   * @throws with the function's own message when it fails, or with Lambda's when its time runs out.
   */
  async invoke(name: string, input: string): Promise<string> {
    const record = this.find(name);
    const cancellations = this.#cancellations;
    const environment = await this.#environment(record);
    this.#single.add(environment);
    try {
      // Its process may have taken longer to start than the user's patience lasted.
      if (cancellations !== this.#cancellations) await environment.stop();
      return await this.#run(record, environment, input);
    } catch (error) {
      if (cancellations !== this.#cancellations)
        throw new Error("the update was cancelled while the function ran", { cause: error });
      throw error;
    } finally {
      this.#single.delete(environment);
      await environment.stop();
    }
  }

  /** The same in a process that is kept for the next time: for what invokes a function over and over. */
  async invokeAgain(name: string, input: string): Promise<string> {
    const record = this.find(name);
    const pool = this.#pools.get(record.id) ?? new Pool(() => this.#environment(record));
    this.#pools.set(record.id, pool);
    return pool.use((environment) => this.#run(record, environment, input));
  }

  #run({ inputs }: ResourceRecord, environment: Environment, input: string): Promise<string> {
    return environment.invoke(input, Number(inputs.timeout ?? 3), this.#aws.places());
  }

  #environment({ id, inputs }: ResourceRecord): Promise<Environment> {
    const { handler = "index.handler", environment, memorySize = 128 } = inputs;
    return Environment.start(this.#api, {
      code: this.#codeFolder(id),
      handler: String(handler),
      variables: {
        PATH: process.env.PATH,
        ...awsEnvironment(this.#aws.endpoints, this.#aws.region),
        ...(((environment as Properties | undefined)?.variables ?? {}) as Record<string, string>),
        AWS_LAMBDA_FUNCTION_NAME: id,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memorySize),
      },
      log: join(this.#aws.dir, "functions", id, "function.log"),
    });
  }

  #codeFolder(id: string): string {
    return join(this.#aws.dir, "functions", id, "code");
  }

  /** Ends the functions that an update waits for: it was cancelled. */
  cancel(): void {
    this.#cancellations++;
    for (const environment of this.#single) void environment.stop();
  }

  async stop(): Promise<void> {
    const single = [...this.#single].map((environment) => environment.stop());
    await Promise.all([...single, ...[...this.#pools.values()].map((pool) => pool.stop())]);
    this.#api.stop();
  }
}

export const lambdaFunction: Part = {
  create: (record, aws) => aws.functions.store(record),
  update: (record, _before, aws) => aws.functions.store(record),
  delete: (record, aws) => aws.functions.delete(record),
};
