import type { Run } from "./program.ts";

/** A role policy's permissions: action → resources. Fails on anything but plain permissions. */
export function permissionsOf(run: Run, policy: string): Record<string, string[]> {
  const { inputs } = run.one("aws:iam/rolePolicy:RolePolicy", policy);
  const found: Record<string, string[]> = {};
  for (const { Effect, Action, Resource, ...more } of JSON.parse(inputs.policy as string).Statement) {
    if (Effect !== "Allow" || Object.keys(more).length > 0) throw new Error(`${policy} has more than permissions`);
    for (const action of Action) found[action] = [...(found[action] ?? []), ...Resource];
  }
  return found;
}
