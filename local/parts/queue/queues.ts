import { randomUUID } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { AwsError } from "../../aws/errors.ts";
import type { ResourceRecord } from "../../aws/record.ts";
import { arn, type Part, regionOf, type ResourceType } from "../../aws/resource-type.ts";
import type { LocalAws } from "../../local-aws.ts";

const type = "aws:sqs/queue:Queue";

export interface Message {
  readonly id: string;
  /** ISO 8601. */
  readonly sent: string;
  readonly body: string;
}

/** SQS, as far as somebody sends here: messages are kept, a file of lines for each queue, for people to look at. */
export class Queues {
  readonly #aws: LocalAws;

  constructor(aws: LocalAws) {
    this.#aws = aws;
  }

  /** @throws AwsError when there is no such queue */
  send(queueArn: string, body: string): void {
    const record = this.#aws.registry.ofType(type).find((queue) => this.#arn(queue) === queueArn);
    if (!record) throw new AwsError("AWS.SimpleQueueService.NonExistentQueue", `there is no queue ${queueArn}`);
    const message: Message = { id: randomUUID(), sent: new Date().toISOString(), body };
    mkdirSync(join(this.#aws.dir, "queues"), { recursive: true });
    appendFileSync(this.#file(record), `${JSON.stringify(message)}\n`, { mode: 0o600 });
  }

  exists(queueArn: string): boolean {
    return this.#aws.registry.ofType(type).some((queue) => this.#arn(queue) === queueArn);
  }

  /** Messages that the queue has not forgotten, oldest first. */
  messages(record: ResourceRecord): Message[] {
    const file = this.#file(record);
    if (!existsSync(file)) return [];
    const oldest = Date.now() - Number(record.inputs.messageRetentionSeconds ?? 345_600) * 1000;
    const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
    return lines.flatMap((line) => {
      const message = asMessage(line);
      return message && Date.parse(message.sent) >= oldest ? [message] : [];
    });
  }

  delete(record: ResourceRecord): void {
    rmSync(this.#file(record), { force: true });
  }

  describe() {
    return this.#aws.registry.ofType(type).map((record) => {
      const messages = this.messages(record);
      return { name: String(record.inputs.name), count: messages.length, newest: messages.slice(-10) };
    });
  }

  #arn(record: ResourceRecord): unknown {
    return queueFacts.outputs?.(record, this.#aws).arn;
  }

  #file({ inputs }: ResourceRecord): string {
    return join(this.#aws.dir, "queues", `${String(inputs.name)}.jsonl`);
  }
}

/** A line that was cut off by a kill was never acknowledged. */
function asMessage(line: string): Message | undefined {
  try {
    return JSON.parse(line) as Message;
  } catch {
    return undefined;
  }
}

/** Facts of queues. */
export const queueFacts: Omit<ResourceType, "part"> = {
  unserved: ["fifoQueue", "redrivePolicy"],
  naming: { property: "name", prefix: "namePrefix", maxLength: 80, taken: "QueueAlreadyExists" },
  id: (draft, context) => urlOf(draft.inputs.name, regionOf(draft, context).region, context.account),
  defaults: {
    delaySeconds: 0,
    fifoQueue: false,
    kmsDataKeyReusePeriodSeconds: 300,
    maxMessageSize: 262_144,
    messageRetentionSeconds: 345_600,
    receiveWaitTimeSeconds: 0,
    sqsManagedSseEnabled: true,
    visibilityTimeoutSeconds: 30,
  },
  outputs: (record, context) => ({
    arn: arn(regionOf(record, context), "sqs", String(record.inputs.name)),
    url: record.id,
  }),
};

function urlOf(name: unknown, region: string, account: string): string {
  return `https://sqs.${region}.amazonaws.com/${account}/${String(name)}`;
}

export const queue: Part = {
  delete: (record, aws) => aws.queues.delete(record),
};
