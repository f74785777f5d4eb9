import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { AwsError } from "../../aws/errors.ts";
import type { Properties, ResourceRecord } from "../../aws/record.ts";
import type { Part } from "../../aws/resource-type.ts";
import type { LocalAws } from "../../local-aws.ts";
import { type Leashed, leash } from "../../process/leash.ts";
import { readArchive } from "../../provider/values.ts";
import { awsEnvironment } from "../instance/instances.ts";
import type { Result } from "./runner.ts";

const type = "aws:lambda/function:Function";

/** Lambda: every invocation is a process of its own over the function's real code. */
export class Functions {
  readonly #aws: LocalAws;
  readonly #running = new Set<Leashed>();
  #cancellations = 0;

  constructor(aws: LocalAws) {
    this.#aws = aws;
  }

  async store(record: ResourceRecord): Promise<void> {
    const files = await readArchive(record.inputs.code);
    const folder = this.#codeFolder(record.id);
    rmSync(folder, { recursive: true, force: true });
    for (const [path, content] of files) {
      const file = resolve(folder, path);
      if (!file.startsWith(folder + sep)) throw new Error(`the archive's file ${path} lies outside of it`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
  }

  delete(record: ResourceRecord): void {
    rmSync(join(this.#aws.dir, "functions", record.id), { recursive: true, force: true });
  }

  /**
   * Invokes a function and waits for its answer.
   *
   * @throws with the function's own message when it fails, or with Lambda's when its time runs out.
   */
  async invoke(name: string, input: string): Promise<string> {
    const records = this.#aws.registry.ofType(type);
    const record = records.find(
      ({ id, inputs }) => id === name || String(inputs.name) === name || name.endsWith(`:function:${id}`),
    );
    if (!record) throw new AwsError("ResourceNotFoundException", `Function not found: ${name}`);
    const home = join(this.#aws.dir, "functions", record.id);
    const folder = mkdtempSync(join(home, "invocation-"));
    try {
      writeFileSync(join(folder, "event.json"), input);
      const cancellations = this.#cancellations;
      const { exit, timedOut } = await this.#run(record, folder);
      if (cancellations !== this.#cancellations) throw new Error("the update was cancelled while the function ran");
      const seconds = Number(record.inputs.timeout ?? 3);
      if (timedOut) throw new Error(`Task timed out after ${seconds.toFixed(2)} seconds`);
      return this.#result(folder, exit);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async #run(record: ResourceRecord, folder: string): Promise<{ exit: unknown; timedOut: boolean }> {
    const { timeout = 3, handler = "index.handler", environment, memorySize = 128 } = record.inputs;
    const limit = Number(timeout) * 1000;
    const running = await leash({
      command: process.execPath,
      args: [
        fileURLToPath(new URL("./runner.ts", import.meta.url)),
        this.#codeFolder(record.id),
        String(handler),
        join(folder, "event.json"),
        join(folder, "result.json"),
      ],
      env: {
        PATH: process.env.PATH,
        ...awsEnvironment(this.#aws.endpoints, this.#aws.region),
        ...(((environment as Properties | undefined)?.variables ?? {}) as Record<string, string>),
        AWS_LAMBDA_FUNCTION_NAME: record.id,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memorySize),
        CHIRP_REQUEST_ID: randomUUID(),
        CHIRP_DEADLINE: String(Date.now() + limit),
        CHIRP_ADDRESSES: JSON.stringify(this.#aws.places()),
      },
      log: join(this.#aws.dir, "functions", record.id, "function.log"),
      grace: 0,
    });
    this.#running.add(running);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      void running.stop(0);
    }, limit);
    const exit = await running.exited;
    clearTimeout(timer);
    this.#running.delete(running);
    return { exit, timedOut };
  }

  #result(folder: string, exit: unknown): string {
    let result: Result;
    try {
      result = JSON.parse(readFileSync(join(folder, "result.json"), "utf8")) as Result;
    } catch {
      throw new Error(`Runtime exited without providing a reason: ${JSON.stringify(exit)}`);
    }
    if ("payload" in result) return result.payload;
    throw new AwsError(result.errorType, result.errorMessage);
  }

  #codeFolder(id: string): string {
    return join(this.#aws.dir, "functions", id, "code");
  }

  /** Ends the functions that an update waits for: it was cancelled. */
  cancel(): void {
    this.#cancellations++;
    void this.stop();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((running) => running.stop(0)));
  }
}

export const lambdaFunction: Part = {
  create: (record, aws) => aws.functions.store(record),
  update: (record, _before, aws) => aws.functions.store(record),
  delete: (record, aws) => aws.functions.delete(record),
};

async function invokeFor(record: ResourceRecord, aws: LocalAws): Promise<void> {
  const { functionName, input } = record.inputs;
  record.state.result = await aws.functions.invoke(String(functionName), String(input));
  aws.registry.save(record);
}

/** Invokes when it is made. Deleting it invokes nothing, as with AWS's `CREATE_ONLY`. */
export const invocation: Part = {
  create: invokeFor,
  update: (record, _before, aws) => invokeFor(record, aws),
};
