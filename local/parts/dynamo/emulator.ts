import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hex } from "../../aws/resource-type.ts";
import type { LocalAws } from "../../local-aws.ts";
import { freePortFrom, loopback } from "../../process/ports.ts";
import { type Dynamo, startDynamo } from "../dynamodb.ts";
import { DynamoApi } from "./api.ts";

/** The one DynamoDB emulator behind all tables. It starts with the first of them, and again when it dies. */
export class Emulator {
  readonly #aws: LocalAws;
  readonly #folder: string;
  #port = 0;
  #running: Promise<Dynamo> | undefined;
  #dynamo: Dynamo | undefined;

  constructor(aws: LocalAws) {
    this.#aws = aws;
    this.#folder = join(aws.dir, "dynamodb");
  }

  /**
   * Where the emulator is, or will be: known before there is a table, and the same for ever, because servers are told
   * when they start, which may be long before.
   */
  get endpoint(): string {
    const given = process.env.CHIRP_DYNAMODB_URL;
    return given && URL.canParse(given) ? new URL(given).origin : `http://${loopback}:${this.#port}`;
  }

  get api(): DynamoApi {
    return new DynamoApi(this.endpoint, this.#aws.region);
  }

  /** Settles on a port: the one of before, else one that nobody uses. */
  async settle(): Promise<void> {
    const file = join(this.#folder, "port");
    try {
      this.#port = Number(readFileSync(file, "utf8"));
    } catch {
      this.#port = await freePortFrom(25_000 + Number.parseInt(hex(this.#folder, 3), 16));
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      writeFileSync(file, `${this.#port}\n`);
    }
  }

  /** Makes sure that it runs. */
  async start(): Promise<void> {
    this.#running ??= startDynamo({ dir: this.#folder, port: this.#port, report: this.#aws.log });
    try {
      const dynamo = await this.#running;
      if (this.#dynamo === dynamo) return;
      this.#dynamo = dynamo;
      void dynamo.exited.then(() => this.#ended());
    } catch (error) {
      this.#running = undefined;
      throw error;
    }
  }

  /** One that cannot stay up is tried again more and more slowly. */
  #ended(wait = 0): void {
    this.#running = undefined;
    this.#dynamo = undefined;
    if (this.#aws.isStopping) return;
    this.#aws.log("the DynamoDB emulator ended; starting it again");
    setTimeout(() => {
      if (this.#aws.isStopping) return;
      this.start().catch((error: Error) => {
        this.#aws.log(error.message);
        this.#ended(Math.min(30_000, wait * 2 + 500));
      });
    }, wait).unref();
  }

  /** Null while it does not run. */
  describe() {
    return this.#dynamo ? { endpoint: this.#dynamo.endpoint, pid: this.#dynamo.pid } : null;
  }

  async stop(): Promise<void> {
    const dynamo = await this.#running?.catch(() => undefined);
    await dynamo?.stop();
  }
}
