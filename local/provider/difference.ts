import type { Properties } from "../aws/record.ts";
import type { ResourceType } from "../aws/resource-type.ts";
import { replaceOnChange } from "../aws/types/index.ts";
import { isEqual } from "./values.ts";

/** Names the inputs that were filled in rather than given, as AWS's own provider does. */
export const filledIn = "__defaults";

export interface Difference {
  /** Changed inputs, and what happened to each. */
  readonly changes: ReadonlyMap<string, "add" | "delete" | "update">;
  /** Those that replace the resource. */
  readonly replaces: readonly string[];
  /** Whether the replacement would collide with what it replaces, by a name that the program gave. */
  readonly deleteBeforeReplace: boolean;
}

/** What has to happen for a resource made from some inputs to be as other inputs say. */
export function findDifference(type: string, facts: ResourceType, before: Properties, after: Properties): Difference {
  const properties = new Set([...Object.keys(before), ...Object.keys(after)]);
  properties.delete(filledIn);
  const changed = [...properties].filter((property) => !isEqual(before[property], after[property]));
  const changes = new Map(changed.map((property) => [property, kindOf(before[property], after[property])]));
  const replacing = new Set([...replaceOnChange(type), ...(facts.replaces?.(before, after) ?? [])]);
  for (const property of facts.keeps?.(before, after) ?? []) replacing.delete(property);
  const replaces = changed.filter((property) => replacing.has(property));
  return { changes, replaces, deleteBeforeReplace: replaces.length > 0 && keepsGivenName(facts, before, after) };
}

function kindOf(before: unknown, after: unknown): "add" | "delete" | "update" {
  if (before === undefined || before === null) return "add";
  return after === undefined || after === null ? "delete" : "update";
}

function keepsGivenName({ naming }: ResourceType, before: Properties, after: Properties): boolean {
  if (!naming || (after[filledIn] as string[] | undefined)?.includes(naming.property)) return false;
  return isEqual(before[naming.property], after[naming.property]);
}
