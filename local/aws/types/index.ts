import { readFileSync } from "node:fs";
import type { ResourceType } from "../resource-type.ts";
import { balancing } from "./balancing.ts";
import { compute } from "./compute.ts";
import { data } from "./data.ts";
import { delivery } from "./delivery.ts";
import { events } from "./events.ts";
import { network } from "./network.ts";
import { security } from "./security.ts";
import { storage } from "./storage.ts";

/** Every type that the local AWS serves. */
export const resourceTypes: Readonly<Record<string, ResourceType>> = {
  ...network,
  ...security,
  ...storage,
  ...compute,
  ...balancing,
  ...delivery,
  ...data,
  ...events,
};

const table = JSON.parse(readFileSync(new URL("../replace-on-change.json", import.meta.url), "utf8")) as Record<
  string,
  { replace: string[] } | string
>;

/** Inputs whose change makes AWS replace the resource. */
export function replaceOnChange(type: string): readonly string[] {
  const entry = table[type];
  return typeof entry === "object" ? entry.replace : [];
}

/** The type's facts, or an error that says how to add them. */
export function findType(type: string): ResourceType {
  const found = resourceTypes[type];
  if (found && typeof table[type] === "object") return found;
  const missing = found ? "local/aws/replace-on-change.json" : "local/aws/types/ and local/aws/replace-on-change.json";
  throw new Error(
    `The local AWS does not know the resource type ${type}. Add its id, required inputs and outputs to ${missing}; ` +
      "it is recorded from then on. A type that does something also needs a part in local/parts/",
  );
}
