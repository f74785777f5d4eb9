import type { Properties, ResourceRecord } from "../../aws/record.ts";
import type { Failure, Part } from "../../aws/resource-type.ts";
import type { LocalAws } from "../../local-aws.ts";
import { unknown } from "../../provider/values.ts";

/** Whether the function is invoked for every change of the resource, its end among them; else only when it is made. */
export function followsLifecycle({ lifecycleScope }: Properties): boolean {
  return lifecycleScope === "CRUD";
}

/** What the function gets: with a lifecycle, what becomes of the resource as well, under a key of its own. */
function payload(inputs: Properties, action: "create" | "update" | "delete", before?: Properties): string {
  if (!followsLifecycle(inputs)) return String(inputs.input);
  const previous: unknown = before ? JSON.parse(String(before.input)) : null;
  return JSON.stringify({
    ...(JSON.parse(String(inputs.input)) as Properties),
    [String(inputs.terraformKey ?? "tf")]: { action, prev_input: previous },
  });
}

async function invoke(record: ResourceRecord, event: string, aws: LocalAws): Promise<void> {
  record.state.result = await aws.functions.invoke(String(record.inputs.functionName), event);
  aws.registry.save(record);
}

/** An event that is not an object has no room for the lifecycle. */
export function unfitEvent(inputs: Properties): Failure[] {
  if (!followsLifecycle(inputs) || inputs.input === unknown || inputs.input === undefined) return [];
  try {
    const event: unknown = JSON.parse(String(inputs.input));
    if (typeof event === "object" && event !== null && !Array.isArray(event)) return [];
  } catch {
    // said below
  }
  return [{ property: "input", reason: "must be a JSON object when lifecycleScope is CRUD" }];
}

export const invocation: Part = {
  create: (record, aws) => invoke(record, payload(record.inputs, "create"), aws),
  update: async (record, before, aws) => {
    try {
      await invoke(record, payload(record.inputs, "update", before), aws);
    } catch (error) {
      // The engine keeps what was before, and asks again at the next update.
      record.inputs = before;
      aws.registry.save(record);
      throw error;
    }
  },
  delete: async (record, aws) => {
    if (followsLifecycle(record.inputs)) await invoke(record, payload(record.inputs, "delete", record.inputs), aws);
  },
};
