import { AwsError } from "../../aws/errors.ts";
import type { ResourceRecord } from "../../aws/record.ts";
import type { Part } from "../../aws/resource-type.ts";
import type { LocalAws } from "../../local-aws.ts";
import { streamNamed } from "../dynamo/tables.ts";
import { Mapping } from "./mapping.ts";
import { settingsOf } from "./settings.ts";

const type = "aws:lambda/eventSourceMapping:EventSourceMapping";

/** Lambda's event source mappings: functions fed from the streams of tables. */
export class Mappings {
  readonly #aws: LocalAws;
  readonly #running = new Map<string, Mapping>();

  constructor(aws: LocalAws) {
    this.#aws = aws;
  }

  async revive(): Promise<void> {
    for (const record of this.#aws.registry.ofType(type))
      await this.start(record).catch((error: Error) => this.#aws.log(`mapping ${record.id}: ${error.message}`));
  }

  /** Starts a mapping as its record now says; what is under way is finished first. */
  async start(record: ResourceRecord): Promise<void> {
    await this.#running.get(record.id)?.stop();
    const mapping = new Mapping(this.#aws, record);
    this.#running.set(record.id, mapping);
    await mapping.start();
  }

  async delete({ id }: ResourceRecord): Promise<void> {
    const mapping = this.#running.get(id);
    await mapping?.stop();
    mapping?.forget();
    this.#running.delete(id);
  }

  describe() {
    return [...this.#running.values()].map((mapping) => mapping.describe());
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((mapping) => mapping.stop()));
  }
}

function refuseUnknown(inputs: ResourceRecord["inputs"], aws: LocalAws): void {
  const { streamArn, functionName, destination } = settingsOf(inputs);
  aws.functions.find(functionName);
  if (!streamNamed(streamArn, aws))
    throw new AwsError("InvalidParameterValueException", `Stream not found: ${streamArn}`);
  if (destination !== undefined && !aws.queues.exists(destination))
    throw new AwsError("InvalidParameterValueException", `The destination ${destination} does not exist.`);
}

export const mapping: Part = {
  create: (record, aws) => {
    refuseUnknown(record.inputs, aws);
    return aws.mappings.start(record);
  },
  verify: (_record, inputs, aws) => refuseUnknown(inputs, aws),
  update: (record, _before, aws) => aws.mappings.start(record),
  delete: (record, aws) => aws.mappings.delete(record),
};
