import { AwsError, NotSettled } from "../aws/errors.ts";
import { parseUrn, type Properties, type ResourceRecord } from "../aws/record.ts";
import { ownHex, type Draft, type Failure, type ResourceType } from "../aws/resource-type.ts";
import { findType } from "../aws/types/index.ts";
import type { LocalAws } from "../local-aws.ts";
import { filledIn, findDifference } from "./difference.ts";
import { unknown } from "./values.ts";

/** A resource as the engine keeps it. */
export interface Outcome {
  readonly id: string;
  readonly outputs: Properties;
  readonly inputs: Properties;
}

/** Raised when a resource exists but is not what it should be: the engine keeps it and says why. */
export class Unsettled extends Error {
  readonly outcome: Outcome;

  constructor(message: string, outcome: Outcome) {
    super(message);
    this.outcome = outcome;
  }
}

/** What the engine asks of a provider about resources, over the registry and its parts. */
export class Operations {
  readonly #aws: LocalAws;

  constructor(aws: LocalAws) {
    this.#aws = aws;
  }

  /** Fills in the name and says everything that is wrong with the inputs. */
  check(urn: string, before: Properties | undefined, given: Properties): { inputs: Properties; failures: Failure[] } {
    const { type, name } = parseUrn(urn);
    const facts = findType(type);
    const inputs = this.#named(facts, { urn, name, before, given });
    const missing = (facts.required ?? []).filter((property) => inputs[property] === undefined);
    const failures = [
      ...missing.map((property) => ({ property, reason: `Missing required property '${property}'` })),
      ...(facts.unserved ?? []).filter((property) => isGiven(inputs[property])).map(refuseUnserved),
      ...tooLong(facts, inputs),
      ...(facts.check?.(inputs) ?? []),
    ];
    return { inputs, failures };
  }

  /** What a creation would give; ids and the like are not known before. */
  previewCreate(inputs: Properties): Properties {
    return withoutMarks(inputs);
  }

  async create(urn: string, inputs: Properties): Promise<Outcome> {
    const { type, name } = parseUrn(urn);
    const facts = findType(type);
    const adopted = await this.#adopt(urn, facts, inputs);
    if (adopted) return this.#make(adopted, facts);
    const draft: Draft = { urn, name, generation: this.#aws.registry.nextGeneration(urn), inputs };
    this.#refuseCollisions(type, facts, inputs);
    const record = { ...draft, type, id: facts.id(draft, this.#aws), state: {}, known: false };
    this.#aws.registry.add(record);
    return this.#make(record, facts);
  }

  /** The record of a creation whose answer never reached the engine, with the inputs that are asked for now. */
  async #adopt(urn: string, facts: ResourceType, inputs: Properties): Promise<ResourceRecord | undefined> {
    const orphan = this.#aws.registry.ofUrn(urn).find(({ known }) => !known);
    if (!orphan) return undefined;
    this.#aws.log(`adopting ${urn}: an earlier creation of it was interrupted`);
    if (findDifference(orphan.type, facts, orphan.inputs, inputs).replaces.length > 0) {
      await facts.part?.delete?.(orphan, this.#aws);
      this.#aws.registry.remove(orphan);
      return undefined;
    }
    orphan.inputs = inputs;
    this.#aws.registry.save(orphan);
    return orphan;
  }

  async #make(record: ResourceRecord, facts: ResourceType): Promise<Outcome> {
    try {
      await facts.part?.create?.(record, this.#aws);
    } catch (error) {
      const reason = explain("creating", record, error);
      if (error instanceof NotSettled) throw new Unsettled(reason, this.#outcome(record, facts));
      this.#aws.registry.remove(record);
      throw new Error(reason, { cause: error });
    }
    return this.#outcome(record, facts);
  }

  previewUpdate(type: string, id: string, urn: string, olds: Properties, inputs: Properties): Properties {
    const facts = findType(type);
    const record = this.#find(type, id, urn);
    if (!record) return { ...olds, ...withoutMarks(inputs) };
    const { changes } = findDifference(type, facts, record.inputs, inputs);
    const outputs = this.#outcome({ ...record, inputs }, facts).outputs;
    for (const property of facts.renews?.([...changes.keys()]) ?? []) outputs[property] = unknown;
    return outputs;
  }

  async update(type: string, id: string, urn: string, inputs: Properties): Promise<Outcome> {
    const facts = findType(type);
    const record = this.#find(type, id, urn);
    if (!record)
      throw new Error(
        `updating ${type} (${id}): it does not exist any more; \`pulumi refresh\` brings the state up to date`,
      );
    try {
      facts.part?.verify?.(record, inputs, this.#aws);
      const before = record.inputs;
      record.inputs = inputs;
      record.known = true;
      this.#aws.registry.save(record);
      await facts.part?.update?.(record, before, this.#aws);
    } catch (error) {
      throw new Error(explain("updating", record, error), { cause: error });
    }
    return this.#outcome(record, facts);
  }

  async delete(type: string, id: string, urn: string): Promise<void> {
    const facts = findType(type);
    const record = this.#find(type, id, urn);
    if (!record) return;
    this.#know(record);
    try {
      this.#refuseIfUsed(record, facts);
      await facts.part?.delete?.(record, this.#aws);
    } catch (error) {
      throw new Error(explain("deleting", record, error), { cause: error });
    }
    this.#aws.registry.remove(record);
  }

  /** The resource as it is, or undefined when it is gone. */
  read(type: string, id: string, urn: string): Outcome | undefined {
    const facts = findType(type);
    const record = this.#find(type, id, urn);
    if (!record || facts.part?.exists?.(record, this.#aws) === false) return undefined;
    this.#know(record);
    return this.#outcome(record, facts);
  }

  /** Called whenever the engine names a resource by its id. */
  noted(type: string, id: string, urn: string): void {
    const record = this.#find(type, id, urn);
    if (record) this.#know(record);
  }

  #know(record: ResourceRecord): void {
    if (record.known) return;
    record.known = true;
    this.#aws.registry.save(record);
  }

  /** By id first: the URN changes when a program renames a resource with an alias. */
  #find(type: string, id: string, urn: string): ResourceRecord | undefined {
    const records = this.#aws.registry.ofType(type).filter((record) => record.id === id);
    return records.find((record) => record.urn === urn) ?? records[0];
  }

  #outcome(record: ResourceRecord, facts: ResourceType): Outcome {
    const { inputs } = record;
    const tagsAll = inputs.tags === undefined ? {} : { tagsAll: inputs.tags };
    const computed = facts.outputs?.(record, this.#aws) ?? {};
    const outputs = { ...facts.defaults, ...tagsAll, ...withoutMarks(inputs), ...computed, id: record.id };
    return { id: record.id, inputs, outputs };
  }

  #named(
    { naming }: ResourceType,
    { urn, name, before, given }: { urn: string; name: string; before: Properties | undefined; given: Properties },
  ): Properties {
    const inputs = { ...withoutMarks(given), [filledIn]: [] as string[] };
    if (!naming || given[naming.property] !== undefined) return inputs;
    inputs[filledIn].push(naming.property);
    if ((before?.[filledIn] as string[] | undefined)?.includes(naming.property))
      return { ...inputs, [naming.property]: before?.[naming.property] };
    const orphan = this.#aws.registry.ofUrn(urn).find(({ known }) => !known);
    const generation = orphan?.generation ?? this.#aws.registry.nextGeneration(urn);
    const start = naming.prefix && typeof given[naming.prefix] === "string" ? String(given[naming.prefix]) : `${name}-`;
    const kept = start.slice(0, (naming.maxLength ?? 255) - 7);
    return { ...inputs, [naming.property]: `${kept}${ownHex({ urn, generation }, 7)}` };
  }

  #refuseCollisions(type: string, { naming, once }: ResourceType, inputs: Properties): void {
    const others = this.#aws.registry.ofType(type);
    const same = (properties: readonly string[]) =>
      others.find((other) => properties.every((property) => other.inputs[property] === inputs[property]));
    const namesake = naming?.taken && same([naming.property, ...(naming.within ?? [])]);
    if (naming && namesake)
      throw new Error(
        `creating ${type}: ${naming.taken}: ${naming.property} ${JSON.stringify(inputs[naming.property])} is taken by ${namesake.urn}`,
      );
    const twin = once && same(once.inputs);
    if (once && twin) {
      if (once.unless && inputs[once.unless] === true) return this.#aws.registry.remove(twin);
      const given = once.inputs.filter((property) => inputs[property] !== undefined);
      const values = given.map((property) => `${property} ${JSON.stringify(inputs[property])}`).join(", ");
      throw new Error(`creating ${type}: ${once.taken}: ${twin.urn} has the same ${values}`);
    }
  }

  /** AWS forbids to delete what others still refer to; what only hangs on the resource goes with it. */
  #refuseIfUsed(record: ResourceRecord, { inUse }: ResourceType): void {
    if (!inUse) return;
    const user = this.#aws.registry
      .all()
      .find((other) => other !== record && !isAppendage(other, record) && refersTo(other, record));
    if (user) throw new AwsError(inUse, `${record.id} is still used by ${user.urn}`);
  }
}

function refersTo({ inputs }: ResourceRecord, { id }: ResourceRecord): boolean {
  return JSON.stringify(inputs).includes(JSON.stringify(id));
}

/** Rules of a security group, targets of a target group: they end with what they belong to. */
function isAppendage({ inputs, type }: ResourceRecord, { id }: ResourceRecord): boolean {
  return inputs.securityGroupId === id || (type.endsWith("TargetGroupAttachment") && inputs.targetGroupArn === id);
}

function tooLong({ naming }: ResourceType, inputs: Properties): Failure[] {
  const name = naming && inputs[naming.property];
  if (!naming?.maxLength || typeof name !== "string" || name === unknown || name.length <= naming.maxLength) return [];
  return [
    { property: naming.property, reason: `${JSON.stringify(name)} has more than ${naming.maxLength} characters` },
  ];
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0);
}

function refuseUnserved(property: string): Failure {
  return {
    property,
    reason: "the local AWS has nothing that could do this; leave it out here, or add it in local/parts/",
  };
}

function withoutMarks({ [filledIn]: _, ...inputs }: Properties): Properties {
  return inputs;
}

function explain(doing: string, { type, id }: ResourceRecord, error: unknown): string {
  const { message } = error as Error;
  return `${doing} ${type} (${id}): ${error instanceof AwsError ? `${error.code}: ${message}` : message}`;
}
